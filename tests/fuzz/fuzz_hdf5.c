#include "fuzz.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parse/hdf5.h"

#define OURS 99 /* exit status: what the report promises does not hold */

static void broken_promise(int signal)
{
    (void)signal;
    _exit(OURS);
}

/* Each input has a process of its own, as in the program: libhdf5 has faults in how it reads broken files, and its
 * death is not what is looked for here. Ours is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct report r;
        int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(nothing, STDERR_FILENO);
        alarm(5);
        report_init(&r, "");
        hdf5_check(span_of(data, size), &r);
        if (signal(SIGABRT, broken_promise) == SIG_ERR)
            _exit(OURS);
        fuzz_end(&r);
        _exit(0);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == OURS)
        abort();
    return 0;
}
