// Loaded into a process by LD_PRELOAD: each fsync and fdatasync adds a byte to the file
// SLOW_DISK_COUNT, takes SLOW_DISK_MS longer, and waits while there is a file SLOW_DISK_HOLD.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int slowly(const char *name, int descriptor) {
  const char *delay = getenv("SLOW_DISK_MS");
  const char *count = getenv("SLOW_DISK_COUNT");
  const char *hold = getenv("SLOW_DISK_HOLD");
  if (count != NULL) {
    int file = open(count, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0) {
      if (write(file, ".", 1) < 0) abort();
      close(file);
    }
  }
  if (delay != NULL) usleep((useconds_t)atoi(delay) * 1000);
  while (hold != NULL && access(hold, F_OK) == 0) usleep(1000);
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return next(descriptor);
}

int fsync(int descriptor) { return slowly("fsync", descriptor); }

int fdatasync(int descriptor) { return slowly("fdatasync", descriptor); }
