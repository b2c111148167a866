/* A disk that can be told to stall or to be full: preloaded into a process, it stands before what SQLite writes with.
 *
 *   cc -O2 -shared -fPIC -o disk.so disk.c -ldl
 *   LD_PRELOAD=./disk.so DISK=FOLDER program
 *
 * While FOLDER/stalled exists, writes and syncs of files whose name has ".db" in it wait; while FOLDER/full exists,
 * writes fail with ENOSPC, as those of a full file system do.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { LOOK_US = 2000 };

static int told(const char *what) {
  char path[4096];
  const char *folder = getenv("DISK");
  snprintf(path, sizeof path, "%s/%s", folder ? folder : ".", what);
  return !access(path, F_OK);
}

static int of_store(int fd) {
  char link[64], name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, name, sizeof name - 1);
  if (n < 0) return 0;
  name[n] = 0;
  return strstr(name, ".db") != NULL && !strstr(name, "/metrics/");
}

static void wait_for_disk(int fd) {
  if (of_store(fd)) while (told("stalled")) usleep(LOOK_US);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
  static ssize_t (*next)(int, const void *, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
  wait_for_disk(fd);
  if (told("full") && of_store(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return next(fd, bytes, n, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) { return pwrite64(fd, bytes, n, at); }

int fdatasync(int fd) {
  static int (*next)(int);
  if (!next) next = dlsym(RTLD_NEXT, "fdatasync");
  wait_for_disk(fd);
  return next(fd);
}
