/* A stand-in for a hostile engine: it serves as it should (it starts /engine/mock-engine with its own arguments), until
 * a file tells it to try what an engine with a writable run directory can try, so that what is said to it goes to
 * somebody else on this host. It does what a file beside its socket is named after, and takes the file away when it is
 * done:
 *
 *   do-symlink   the socket becomes a symbolic link to the path that the file holds
 *   do-link      the socket becomes a hard link to the socket `host.sock` that lies beside it
 *   do-rename    `host.sock` is renamed over the socket
 *
 * With `--lead-to PATH` as its first argument it never serves: its socket is a symbolic link to PATH from the start. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER "/run/airlock/"
#define SOCKET FOLDER "engine.sock"
#define HOST   FOLDER "host.sock"

static int to_symlink(const char *path)
{
    char target[PATH_MAX] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, target, sizeof target - 1);
    return len <= 0 || symlink(target, FOLDER "new") < 0 || rename(FOLDER "new", SOCKET) < 0 ? -1 : 0;
}

static int to_link(const char *path)
{
    (void)path;
    return link(HOST, FOLDER "new") < 0 || rename(FOLDER "new", SOCKET) < 0 ? -1 : 0;
}

static int to_rename(const char *path)
{
    (void)path;
    return rename(HOST, SOCKET);
}

static const struct {
    const char *file;
    int (*try)(const char *path);
} TRICKS[] = {{FOLDER "do-symlink", to_symlink}, {FOLDER "do-link", to_link}, {FOLDER "do-rename", to_rename}};

static pid_t serve(char **argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        argv[0] = (char *)"/engine/mock-engine";
        execv(argv[0], argv);
        _exit(127);
    }
    return pid;
}

/* Whoever answered is gone then, so that a connection that was kept open does not hide what was done. */
static void look(pid_t server)
{
    for (size_t i = 0; i < sizeof TRICKS / sizeof *TRICKS; i++) {
        if (access(TRICKS[i].file, R_OK) < 0)
            continue;
        if (TRICKS[i].try(TRICKS[i].file) < 0)
            perror(TRICKS[i].file);
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        unlink(TRICKS[i].file);
    }
}

int main(int argc, char **argv)
{
    pid_t server = -1;
    if (argc > 2 && strcmp(argv[1], "--lead-to") == 0) {
        if (symlink(argv[2], SOCKET) < 0)
            perror(SOCKET);
    } else {
        server = serve(argv);
    }
    for (;; usleep(10000))
        if (server > 0)
            look(server);
}
