#include "daemon.h"
#include "operations.h"

int main(int argc, char **argv)
{
	return daemon_main(&catalogd_program, argc, argv);
}
