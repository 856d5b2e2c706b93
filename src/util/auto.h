/* Ownership that is visible at the declaration. A variable declared with one of the auto_ macros releases what it holds
 * when it leaves its scope; `fd_steal` and `ptr_steal` hand the thing over and leave the variable empty. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void auto_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void auto_free_ptr(void *p)
{
    free(*(void **)p);
}

static inline void auto_close_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

#define AUTO(fini) __attribute__((cleanup(fini)))
#define auto_fd    AUTO(auto_close_fd) int
#define auto_free  AUTO(auto_free_ptr)
#define auto_file  AUTO(auto_close_file) FILE *

static inline int fd_steal(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#define ptr_steal(p)                    \
    __extension__({                     \
        __typeof__(*(p)) taken_ = *(p); \
        *(p) = NULL;                    \
        taken_;                         \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
