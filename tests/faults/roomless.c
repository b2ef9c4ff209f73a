#include <errno.h>
#include <fcntl.h>

/* Stores keep blocks for the day when the disk is full (store.h). Where a program opens stores by the
 * thousand and none fills a disk, these megabytes would be most of its time: for its daemons the file
 * system cannot do that, which they take. */
int fallocate(int fd, int mode, off_t from, off_t size)
{
	(void)fd, (void)mode, (void)from, (void)size;
	errno = EOPNOTSUPP;
	return -1;
}
