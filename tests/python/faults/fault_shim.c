/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a program: one call of the C library fails as the environment says, and a report is written when the program ends.
 *
 *   FAULT_CALL    read, open, malloc, ...: which call (64-bit names and relatives of one call count as that call)
 *   FAULT_NUMBER  the how-manyth of them, from 1
 *   FAULT_HOW     an errno in decimal; "short" or "nothing" for a read or write that does half of its work or none
 *   FAULT_REST    set: every later one of these calls fails, too
 *   FAULT_REPORT  the report's file: "calls NAME COUNT", "hit NAME PATH", "sites N N N" (with FAULT_SITES: the first allocation of
 *                 each call stack), "blocks N" and "descriptors N" that are left, "static N": blocks that there were when main began
 *
 * A program that loads the shim itself arms it by fault_arm() in place of the environment. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum Call {
    OPEN, FSTAT, STAT, READ, PREAD, WRITE, MMAP, FSYNC, FTRUNCATE, LSEEK, RENAME, CLOSE, OPENDIR, READDIR, REALPATH, MKDIR, ACCESS, FLOCK,
    UNLINK, FCHMOD, MALLOC, CALL_COUNT
};
static const char* const kNames[CALL_COUNT] = {
    "open", "fstat", "stat", "read", "pread", "write", "mmap", "fsync", "ftruncate", "lseek", "rename", "close", "opendir", "readdir",
    "realpath", "mkdir", "access", "flock", "unlink", "fchmod", "malloc"};

enum How { FAIL, SHORT, NOTHING };

static atomic_long counts[CALL_COUNT];
static atomic_long blocks;
static long static_blocks;
static int faulty = -1; /* a Call */
static long faulty_number;
static int rest;
static enum How how;
static int failure;
static const char* report_path;
static int active;
static char hit_path[4096];
static const char* only_below; /* a folder: calls for other files do not count */
static atomic_int was_hit;

#define MAX_SITES 100000
static unsigned long stacks[MAX_SITES];
static long sites[MAX_SITES];
static int site_count;
static int wants_sites;
static __thread int inside;

#define REAL(name) \
    static __typeof__(name)* real; \
    if (real == NULL) real = (__typeof__(name)*)dlsym(RTLD_NEXT, #name)

static void path_of(int descriptor, char* path, size_t size) {
    char link[64];
    ssize_t used;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
    used = readlink(link, path, size - 1);
    path[used < 0 ? 0 : used] = '\0';
    if (descriptor <= 2) snprintf(path, size, "descriptor %d", descriptor);
}
/* Relative paths are of the folder, which is the program's own. */
static int counts_for(const char* path, int descriptor) {
    char found[4096];
    if (only_below == NULL) return 1;
    if (path != NULL) return path[0] != '\0' && (path[0] != '/' || strncmp(path, only_below, strlen(only_below)) == 0);
    if (descriptor == 1 || descriptor == 2) return 1;
    path_of(descriptor, found, sizeof(found));
    return strncmp(found, only_below, strlen(only_below)) == 0;
}

/* Whether this call is to go wrong. The path is that of the descriptor where none is given. */
static int goes_wrong(enum Call call, const char* path, int descriptor) {
    long number;
    if (!active || inside || !counts_for(path, descriptor)) return 0;
    number = atomic_fetch_add(&counts[call], 1) + 1;
    if ((int)call != faulty || number < faulty_number || (!rest && number > faulty_number)) return 0;
    if (atomic_fetch_add(&was_hit, 1) == 0) {
        if (path != NULL) {
            strncpy(hit_path, path, sizeof(hit_path) - 1);
        } else if (descriptor >= 0) {
            path_of(descriptor, hit_path, sizeof(hit_path));
        }
    }
    errno = failure;
    return 1;
}

static void choose(const char* call, long number, const char* text) {
    int i;
    for (i = 0; call != NULL && i < CALL_COUNT; ++i) {
        if (strcmp(call, kNames[i]) == 0) faulty = i;
    }
    faulty_number = number;
    how = text == NULL || (text[0] >= '0' && text[0] <= '9') ? FAIL : strcmp(text, "short") == 0 ? SHORT : NOTHING;
    failure = text != NULL ? atoi(text) : 0;
}

/* From now on the number-th call fails, of those for files below the folder and for standard output and error. An empty call: none. */
void fault_arm(const char* call, long number, const char* text, const char* folder) {
    int i;
    for (i = 0; i < CALL_COUNT; ++i) atomic_store(&counts[i], 0);
    atomic_store(&was_hit, 0);
    faulty = -1;
    only_below = strdup(folder);
    choose(call, number, text);
}

__attribute__((constructor)) static void begin(void) {
    choose(getenv("FAULT_CALL"), getenv("FAULT_NUMBER") != NULL ? atol(getenv("FAULT_NUMBER")) : 0, getenv("FAULT_HOW"));
    rest = getenv("FAULT_REST") != NULL;
    wants_sites = getenv("FAULT_SITES") != NULL;
    report_path = getenv("FAULT_REPORT");
    if (wants_sites) {
        void* warm[1];
        backtrace(warm, 1); /* allocates the first time */
    }
    active = 1;
}

static void write_report(void) {
    FILE* report;
    int i, descriptors = 0;
    const long left = atomic_load(&blocks);
    active = 0;
    if (report_path == NULL) return;
    for (i = 3; i < 1024; ++i) descriptors += fcntl(i, F_GETFD) != -1;
    report = fopen(report_path, "w");
    if (report == NULL) return;
    for (i = 0; i < CALL_COUNT; ++i) fprintf(report, "calls %s %ld\n", kNames[i], atomic_load(&counts[i]));
    if (atomic_load(&was_hit)) fprintf(report, "hit %s %s\n", kNames[faulty], hit_path);
    fprintf(report, "sites");
    for (i = 0; i < site_count; ++i) fprintf(report, " %ld", sites[i]);
    fprintf(report, "\nblocks %ld\ndescriptors %d\nstatic %ld\n", left, descriptors, static_blocks);
    fclose(report);
}

__attribute__((destructor)) static void end(void) {
    write_report();
}
/* The end of what fault_arm() began. */
void fault_report(const char* path) {
    report_path = path;
    write_report();
}

/* What static objects hold is allocated before main. */

typedef int Main(int, char**, char**);
static Main* real_main;
static int noted_main(int argc, char** argv, char** environment) {
    static_blocks = atomic_load(&blocks);
    return real_main(argc, argv, environment);
}
int __libc_start_main(Main* main, int argc, char** argv, void (*init)(void), void (*fini)(void), void (*loader_end)(void), void* stack) {
    int (*real)(Main*, int, char**, void (*)(void), void (*)(void), void (*)(void), void*);
    *(void**)&real = dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = main;
    return real(noted_main, argc, argv, init, fini, loader_end, stack);
}

/* Files */

static int opened(const char* path, int flags, mode_t mode) {
    if (goes_wrong(OPEN, path, -1)) return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}
static mode_t mode_of(int flags, va_list* arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? (mode_t)va_arg(*arguments, int) : 0;
}
int open(const char* path, int flags, ...) {
    va_list arguments;
    int descriptor;
    va_start(arguments, flags);
    descriptor = opened(path, flags, mode_of(flags, &arguments));
    va_end(arguments);
    return descriptor;
}
int open64(const char* path, int flags, ...) {
    va_list arguments;
    int descriptor;
    va_start(arguments, flags);
    descriptor = opened(path, flags, mode_of(flags, &arguments));
    va_end(arguments);
    return descriptor;
}
int openat(int folder, const char* path, int flags, ...) {
    va_list arguments;
    mode_t mode;
    va_start(arguments, flags);
    mode = mode_of(flags, &arguments);
    va_end(arguments);
    if (goes_wrong(OPEN, path, -1)) return -1;
    return (int)syscall(SYS_openat, folder, path, flags | O_LARGEFILE, mode);
}
int close(int descriptor) {
    /* The descriptor is gone, whatever close says. */
    const int wrong = goes_wrong(CLOSE, NULL, descriptor);
    const int result = (int)syscall(SYS_close, descriptor);
    if (!wrong) return result;
    errno = failure;
    return -1;
}

/* What is left of a read or write: -1 = it fails. */
static ssize_t allowed(enum Call call, int descriptor, size_t size) {
    if (!goes_wrong(call, NULL, descriptor)) return (ssize_t)size;
    if (how == FAIL) return -1;
    return how == SHORT ? (ssize_t)((size + 1) / 2) : 0;
}
ssize_t read(int descriptor, void* data, size_t size) {
    const ssize_t most = allowed(READ, descriptor, size);
    return most < 0 ? -1 : syscall(SYS_read, descriptor, data, (size_t)most);
}
ssize_t write(int descriptor, const void* data, size_t size) {
    const ssize_t most = allowed(WRITE, descriptor, size);
    return most < 0 ? -1 : most == 0 ? 0 : syscall(SYS_write, descriptor, data, (size_t)most);
}
ssize_t pread(int descriptor, void* data, size_t size, off_t offset) {
    REAL(pread);
    const ssize_t most = allowed(PREAD, descriptor, size);
    return most < 0 ? -1 : real(descriptor, data, (size_t)most, offset);
}
ssize_t pread64(int descriptor, void* data, size_t size, off64_t offset) {
    REAL(pread64);
    const ssize_t most = allowed(PREAD, descriptor, size);
    return most < 0 ? -1 : real(descriptor, data, (size_t)most, offset);
}
void* mmap(void* address, size_t size, int protection, int flags, int descriptor, off_t offset) {
    REAL(mmap);
    if (goes_wrong(MMAP, NULL, descriptor)) return MAP_FAILED;
    return real(address, size, protection, flags, descriptor, offset);
}
void* mmap64(void* address, size_t size, int protection, int flags, int descriptor, off64_t offset) {
    REAL(mmap64);
    if (goes_wrong(MMAP, NULL, descriptor)) return MAP_FAILED;
    return real(address, size, protection, flags, descriptor, offset);
}

/* Calls that only succeed or fail */
#define INT_CALL(call, path, descriptor, name, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        return goes_wrong(call, path, descriptor) ? -1 : real arguments; \
    }
INT_CALL(FSTAT, NULL, descriptor, fstat, (int descriptor, struct stat* facts), (descriptor, facts))
INT_CALL(FSTAT, NULL, descriptor, fstat64, (int descriptor, struct stat64* facts), (descriptor, facts))
INT_CALL(STAT, path, -1, stat, (const char* path, struct stat* facts), (path, facts))
INT_CALL(STAT, path, -1, stat64, (const char* path, struct stat64* facts), (path, facts))
INT_CALL(STAT, path, -1, lstat, (const char* path, struct stat* facts), (path, facts))
INT_CALL(STAT, path, -1, lstat64, (const char* path, struct stat64* facts), (path, facts))
INT_CALL(FSYNC, NULL, descriptor, fsync, (int descriptor), (descriptor))
INT_CALL(FTRUNCATE, NULL, descriptor, ftruncate, (int descriptor, off_t size), (descriptor, size))
INT_CALL(FTRUNCATE, NULL, descriptor, ftruncate64, (int descriptor, off64_t size), (descriptor, size))
INT_CALL(RENAME, from, -1, rename, (const char* from, const char* to), (from, to))
INT_CALL(MKDIR, path, -1, mkdir, (const char* path, mode_t mode), (path, mode))
INT_CALL(ACCESS, path, -1, access, (const char* path, int mode), (path, mode))
INT_CALL(FLOCK, NULL, descriptor, flock, (int descriptor, int operation), (descriptor, operation))
INT_CALL(UNLINK, path, -1, unlink, (const char* path), (path))
INT_CALL(FCHMOD, NULL, descriptor, fchmod, (int descriptor, mode_t mode), (descriptor, mode))

off_t lseek(int descriptor, off_t offset, int origin) {
    REAL(lseek);
    return goes_wrong(LSEEK, NULL, descriptor) ? -1 : real(descriptor, offset, origin);
}
off64_t lseek64(int descriptor, off64_t offset, int origin) {
    REAL(lseek64);
    return goes_wrong(LSEEK, NULL, descriptor) ? -1 : real(descriptor, offset, origin);
}
char* realpath(const char* path, char* resolved) {
    REAL(realpath);
    return goes_wrong(REALPATH, path, -1) ? NULL : real(path, resolved);
}

/* Folders */

DIR* opendir(const char* path) {
    REAL(opendir);
    return goes_wrong(OPENDIR, path, -1) ? NULL : real(path);
}
DIR* fdopendir(int descriptor) {
    REAL(fdopendir);
    return goes_wrong(OPENDIR, NULL, descriptor) ? NULL : real(descriptor);
}
struct dirent* readdir(DIR* folder) {
    REAL(readdir);
    return goes_wrong(READDIR, NULL, dirfd(folder)) ? NULL : real(folder);
}
struct dirent64* readdir64(DIR* folder) {
    REAL(readdir64);
    return goes_wrong(READDIR, NULL, dirfd(folder)) ? NULL : real(folder);
}

/* Memory: glibc offers its own functions under these names, so that nothing has to be looked up before the first call. */

extern void* __libc_malloc(size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

static void note_site(void) {
    void* frames[48];
    unsigned long hash = 1469598103934665603ul;
    int depth, i;
    inside = 1;
    depth = backtrace(frames, 48);
    for (i = 0; i < depth; ++i) hash = (hash ^ (unsigned long)frames[i]) * 1099511628211ul;
    for (i = 0; i < site_count && stacks[i] != hash; ++i) {
    }
    if (i == site_count && site_count < MAX_SITES) {
        stacks[site_count] = hash;
        sites[site_count++] = atomic_load(&counts[MALLOC]);
    }
    inside = 0;
}
static int is_refused(void) {
    const int refused = goes_wrong(MALLOC, "", -1);
    if (active && wants_sites && !inside) note_site();
    if (refused) errno = ENOMEM;
    return refused;
}
static void* counted(void* memory) {
    if (memory != NULL) atomic_fetch_add(&blocks, 1);
    return memory;
}
void* malloc(size_t size) {
    return is_refused() ? NULL : counted(__libc_malloc(size));
}
void* calloc(size_t count, size_t size) {
    return is_refused() ? NULL : counted(__libc_calloc(count, size));
}
void* realloc(void* memory, size_t size) {
    if (is_refused()) return NULL;
    return memory != NULL ? __libc_realloc(memory, size) : counted(__libc_realloc(memory, size));
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
    void* result = is_refused() ? NULL : counted(__libc_memalign(alignment, size));
    if (result == NULL) return ENOMEM;
    *memory = result;
    return 0;
}
void* aligned_alloc(size_t alignment, size_t size) {
    return is_refused() ? NULL : counted(__libc_memalign(alignment, size));
}
void free(void* memory) {
    if (memory != NULL) atomic_fetch_sub(&blocks, 1);
    __libc_free(memory);
}
