#include "daemon.h"
#include "sweep.h"

int main(int argc, char **argv)
{
	return daemon_main(&reaperd_program, argc, argv);
}
