/* Preloaded: makes a flush to the disk fail. Each time the file $FAULTS_EIO is made, the next flush fails with EIO, and
 * removes it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int flush(const char *name, int fd)
{
    const char *file = getenv("FAULTS_EIO");
    if (file && unlink(file) == 0) {
        errno = EIO;
        return -1;
    }
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return next(fd);
}

int fsync(int fd)
{
    return flush("fsync", fd);
}

int fdatasync(int fd)
{
    return flush("fdatasync", fd);
}
