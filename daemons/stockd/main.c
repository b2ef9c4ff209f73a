#include "daemon.h"
#include "operations.h"

int main(int argc, char **argv)
{
	return daemon_main(&stockd_program, argc, argv);
}
