/* The gpg child. Three things are GnuPG's own and shape this file:
 *  - The agent's socket lies in the home, and a socket's path has 107 characters: the home is named
 *    /proc/<pid>/fd/<n>, which is short however deep the contour lies.
 *  - `gpg-agent --daemon -- gpg …` ends its agent when gpg has ended, but only looks every few seconds. We end it at
 *    once and wait for it, since an agent on its way out removes the socket of the next one.
 *  - Its own lock files may outlive a process that was killed: they are not used, since ours (OPENPGP_LOCK) is held.
 *  - An agent holds the descriptors that it was born with: output goes to memory files, not to pipes that would stay
 *    open. */
#include "trust/openpgp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/file.h"

#define GPG_TIMEOUT_MS   30000 /* a key is made in 0.3 s; a machine may be busy */
#define AGENT_TIMEOUT_MS 5000
#define ARGUMENTS        48U
#define PASSPHRASE_FD    3
#define LISTING_MAX      65536U
#define TEXT_MAX         (1U << 20)

/* Iterations of the passphrase's derivation (RFC 4880 section 3.7.1.3), the highest that the format has: about 0.1 s.
 * Named, because the agent would otherwise measure for two seconds how many this machine can do. */
#define S2K_COUNT "65011712"

static const char *const PROGRAMS[] = {"gpg-agent", "gpg"};

/* ── one run ── */

struct gpg {
    int home;
    char home_path[48];
    int in, out, log, secret; /* descriptors; secret -1: no private key is used, so no agent is started */
    const char *argv[ARGUMENTS];
    size_t count;
};

static void gpg_fini(struct gpg *g)
{
    int *const fds[] = {&g->home, &g->in, &g->out, &g->log, &g->secret};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        auto_close_fd(fds[i]);
}
#define auto_gpg AUTO(gpg_fini) struct gpg

static void argument(struct gpg *g, const char *word)
{
    if (g->count + 1 >= ARGUMENTS)
        abort(); /* a programmer's mistake */
    g->argv[g->count++] = word;
}

static void arguments(struct gpg *g, const char *const words[])
{
    for (; *words; words++)
        argument(g, *words);
}

static int memory_file(struct span bytes, struct err *e)
{
    auto_fd fd = memfd_create("openpgp", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_SYSTEM, errno, "a file in memory");
    if (file_write_all(fd, bytes, "a file in memory", e) < 0)
        return -1;
    return lseek(fd, 0, SEEK_SET) < 0 ? err_set(e, ERR_IO, errno, "a file in memory") : fd_steal(&fd);
}

/* 64 hex digits: GnuPG takes at most 255 characters, and what it gets is good for nothing else. */
static int passphrase_file(const struct secret *secret, struct err *e)
{
    static const char use[] = "airlock openpgp";
    struct sha256 *h = sha256_new();
    sha256_add(h, use, sizeof(use));
    sha256_add(h, secret->text, secret->len);
    struct digest d = sha256_finish(h);
    struct digest_hex hex = digest_hex(&d);
    int fd = memory_file(span_of(hex.text, DIGEST_HEX_SIZE - 1), e);
    explicit_bzero(&hex, sizeof(hex));
    explicit_bzero(&d, sizeof(d));
    return fd;
}

/* `secret` NULL: the private key is not needed. */
static int gpg_begin(struct gpg *g, int dir, const struct secret *secret, struct span text, struct err *e)
{
    *g = (struct gpg){.home = -1, .in = -1, .out = -1, .log = -1, .secret = -1};
    g->home = dir_open(dir, OPENPGP_FOLDER, e);
    if (g->home < 0)
        return -1;
    snprintf(g->home_path, sizeof(g->home_path), "/proc/%d/fd/%d", getpid(), g->home);
    g->in = memory_file(text, e);
    g->out = g->in < 0 ? -1 : memory_file(span_of(NULL, 0), e);
    g->log = g->out < 0 ? -1 : memory_file(span_of(NULL, 0), e);
    if (g->log < 0 || (secret && (g->secret = passphrase_file(secret, e)) < 0))
        return -1;
    if (secret) {
        argument(g, "gpg-agent");
        arguments(g, (const char *const[]){"--homedir", g->home_path, "--allow-loopback-pinentry", "--s2k-count",
                                           S2K_COUNT, "--daemon", "--", NULL});
    }
    arguments(g, (const char *const[]){"gpg", "--homedir", g->home_path, "--batch", "--no-tty", "--quiet", "--yes",
                                       "--no-options", "--lock-never", "--no-auto-key-locate", "--trust-model",
                                       "always", NULL});
    if (secret)
        arguments(g, (const char *const[]){"--pinentry-mode", "loopback", "--passphrase-fd", "3", NULL});
    return 0;
}

static int programs_there(struct err *e)
{
    const char *path = getenv("PATH");
    for (size_t i = 0; i < ARRAY_LEN(PROGRAMS); i++) {
        bool found = false;
        struct span folder, rest = span_str(path ? path : "/usr/bin:/bin");
        while (!found && rest.len > 0) {
            char file[4096];
            if (!span_take_until(&rest, ':', &folder)) {
                folder = rest;
                rest.len = 0;
            }
            snprintf(file, sizeof(file), "%.*s/%s", (int)folder.len, (const char *)folder.ptr, PROGRAMS[i]);
            found = folder.len > 0 && access(file, X_OK) == 0;
        }
        if (found)
            continue;
        err_set(e, ERR_SYSTEM, 0, "%s is not installed, and apt indexes are signed with it", PROGRAMS[i]);
        return err_hint(e, "Install GnuPG (on Debian: apt-get install gpg gpg-agent)");
    }
    return 0;
}

/* The child's descriptors: each of ours lies above the place that it is moved to, or is that very one. */
static int start(struct gpg *g, pid_t *pid, struct err *e)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char path[4096], locale[] = "LC_ALL=C.UTF-8";
    const char *from = getenv("PATH");
    snprintf(path, sizeof(path), "PATH=%s", from ? from : "/usr/bin:/bin");
    char *const environment[] = {path, locale, NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, g->in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, g->out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, g->log, STDERR_FILENO);
    if (g->secret >= 0)
        posix_spawn_file_actions_adddup2(&actions, g->secret, PASSPHRASE_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, g->secret >= 0 ? PASSPHRASE_FD + 1 : PASSPHRASE_FD);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    int result = posix_spawnp(pid, g->argv[0], &actions, &attributes, (char *const *)(uintptr_t)g->argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return result == 0 ? 0 : err_set(e, ERR_SYSTEM, result, "start %s", g->argv[0]);
}

/* True when the process has ended within `timeout_ms`; otherwise it is killed. */
static bool ends(int pidfd, int timeout_ms)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&p, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0)
        return true;
    (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    return false;
}

static int wait_gpg(pid_t pid, int *status, struct err *e)
{
    auto_fd pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool ended = pidfd >= 0 && ends(pidfd, GPG_TIMEOUT_MS);
    if (pidfd < 0)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        continue;
    return ended ? 0
                 : err_set(e, ERR_UNDECIDED, 0, "gpg did not end within %d s and was killed", GPG_TIMEOUT_MS / 1000);
}

/* ── the agent's end (GnuPG manual, "Agent's Assuan Protocol") ── */

/* Sends a line and reads what comes until `until` or the end. */
static bool agent_says(int sock, const char *line, const char *until, char *reply, size_t room)
{
    size_t len = 0;
    reply[0] = 0;
    if (send(sock, line, strlen(line), MSG_NOSIGNAL) < 0)
        return false;
    while (len + 1 < room && !strstr(reply, until)) {
        ssize_t n = recv(sock, reply + len, room - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        reply[len] = 0;
    }
    return true;
}

static int agent_connect(const struct gpg *g)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = AGENT_TIMEOUT_MS / 1000};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/S.gpg-agent", g->home_path);
    auto_fd sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -1;
    return fd_steal(&sock);
}

/* One that does not listen any more, or does not answer, ends by itself: its gpg has ended. */
static void end_agent(const struct gpg *g)
{
    char reply[512];
    auto_fd sock = agent_connect(g);
    if (sock < 0 || !agent_says(sock, "GETINFO pid\n", "\nOK", reply, sizeof(reply)))
        return;
    const char *data = strstr(reply, "\nD ");
    auto_fd pidfd = data ? (int)syscall(SYS_pidfd_open, (pid_t)strtol(data + 3, NULL, 10), 0) : -1;
    if (pidfd < 0)
        return;
    (void)agent_says(sock, "KILLAGENT\n", "closing", reply, sizeof(reply));
    (void)ends(pidfd, AGENT_TIMEOUT_MS);
}

/* ── what came of it ── */

/* The last line that gpg wrote. */
static int failed(const struct gpg *g, const char *what, struct err *e)
{
    auto_buf log = BUF(LISTING_MAX);
    struct span line, last = span_str("no reason given"), rest;
    struct err ignored = {0};
    if (lseek(g->log, 0, SEEK_SET) == 0)
        (void)file_read_fd(g->log, "what gpg says", &log, &ignored);
    rest = buf_span(&log);
    bool wrong_passphrase = strstr(buf_str(&log), "Bad passphrase") != NULL;
    while (span_take_until(&rest, '\n', &line))
        if (line.len > 0)
            last = line;
    err_set(e, wrong_passphrase ? ERR_DENIED : ERR_SYSTEM, 0, "gpg could not %s: %.*s", what,
            (int)(last.len < 300 ? last.len : 300), (const char *)last.ptr);
    if (wrong_passphrase)
        return err_hint(e,
                        OPENPGP_FOLDER " is sealed with the site's passphrase (passphrase-file in airlock.yaml): put "
                                       "back both from the same backup");
    return -1;
}

static int gpg_run(struct gpg *g, const char *what, struct buf *out, struct err *e)
{
    pid_t pid;
    int status = 0;
    if (programs_there(e) < 0)
        return -1;
    if (g->secret >= 0)
        end_agent(g); /* one that a killed process of ours left behind would keep the next from starting */
    if (start(g, &pid, e) < 0)
        return -1;
    int waited = wait_gpg(pid, &status, e);
    if (g->secret >= 0)
        end_agent(g);
    if (waited < 0)
        return -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return failed(g, what, e);
    if (!out)
        return 0;
    if (lseek(g->out, 0, SEEK_SET) < 0)
        return err_set(e, ERR_IO, errno, "what gpg wrote");
    return file_read_fd(g->out, "what gpg wrote", out, e);
}

/* ── the operations ── */

int openpgp_version(char *text, size_t room, struct err *e)
{
    auto_buf out = BUF(LISTING_MAX);
    auto_gpg g = {.home = -1, .in = -1, .out = -1, .log = -1, .secret = -1};
    struct span first, rest;
    g.in = memory_file(span_of(NULL, 0), e);
    g.out = g.in < 0 ? -1 : memory_file(span_of(NULL, 0), e);
    g.log = g.out < 0 ? -1 : memory_file(span_of(NULL, 0), e);
    if (g.log < 0)
        return -1;
    arguments(&g, (const char *const[]){"gpg", "--version", NULL});
    if (gpg_run(&g, "say its version", &out, e) < 0)
        return -1;
    rest = buf_span(&out);
    if (!span_take_until(&rest, '\n', &first) || !span_is_printable(first))
        return err_set(e, ERR_SYSTEM, 0, "gpg --version says nothing that can be read");
    snprintf(text, room, "%.*s", (int)first.len, (const char *)first.ptr);
    return 0;
}

/* Field `n`, from 0, of a line of fields with colons (GnuPG, doc/DETAILS). */
static struct span field(struct span line, size_t n)
{
    struct span value = {0};
    do {
        if (!span_take_until(&line, ':', &value)) {
            value = line;
            line.len = 0;
        }
    } while (n-- > 0);
    return value;
}

static int read_listing(struct span listing, struct openpgp_key *out, struct err *e)
{
    size_t keys = 0;
    struct span line;
    *out = (struct openpgp_key){0};
    while (span_take_until(&listing, '\n', &line)) {
        struct span kind = field(line, 0), value = field(line, kind.len == 3 && kind.ptr[0] == 'f' ? 9 : 5);
        uint64_t created;
        if (span_equal_str(kind, "pub")) {
            keys++;
            if (!span_decimal(value, &created) || created > INT64_MAX)
                return err_set(e, ERR_INPUT, 0, OPENPGP_FOLDER ": gpg gives no time for its key");
            out->created_s = (int64_t)created;
        } else if (span_equal_str(kind, "fpr") && !out->fingerprint[0] && value.len == sizeof(out->fingerprint) - 1) {
            memcpy(out->fingerprint, value.ptr, value.len);
        }
    }
    if (keys == 0)
        return err_set(e, ERR_NOTFOUND, 0, "no OpenPGP key was made yet");
    if (keys > 1 || !out->fingerprint[0])
        return err_set(e, ERR_INPUT, 0, OPENPGP_FOLDER " holds %zu keys; wanted one, with a fingerprint of 40 digits",
                       keys);
    return 0;
}

int openpgp_find(int dir, struct openpgp_key *out, struct err *e)
{
    auto_gpg g;
    auto_buf listing = BUF(LISTING_MAX);
    if (gpg_begin(&g, dir, NULL, span_of(NULL, 0), e) < 0)
        return -1;
    arguments(&g, (const char *const[]){"--with-colons", "--list-keys", NULL});
    if (gpg_run(&g, "list its keys", &listing, e) < 0)
        return -1;
    return read_listing(buf_span(&listing), out, e);
}

int openpgp_make(int dir, const char *user_id, const struct secret *secret, struct openpgp_key *out, struct err *e)
{
    auto_gpg g = {.home = -1, .in = -1, .out = -1, .log = -1, .secret = -1};
    if (programs_there(e) < 0 || dir_make(dir, OPENPGP_FOLDER, 0700, e) < 0 ||
        gpg_begin(&g, dir, secret, span_of(NULL, 0), e) < 0)
        return -1;
    arguments(&g, (const char *const[]){"--quick-generate-key", user_id, "ed25519", "sign", "never", NULL});
    if (gpg_run(&g, "make a key", NULL, e) < 0)
        return -1;
    if (syncfs(g.home) < 0) /* gpg leaves that to time, and the fingerprint is committed next */
        return err_set(e, ERR_IO, errno, "syncfs " OPENPGP_FOLDER);
    return openpgp_find(dir, out, e);
}

int openpgp_public(int dir, const struct openpgp_key *k, struct buf *armored, struct err *e)
{
    auto_gpg g;
    if (gpg_begin(&g, dir, NULL, span_of(NULL, 0), e) < 0)
        return -1;
    arguments(&g,
              (const char *const[]){"--armor", "--export-options", "export-minimal", "--export", k->fingerprint, NULL});
    if (gpg_run(&g, "write its public key", armored, e) < 0)
        return -1;
    return armored->len > 0 ? 0 : err_set(e, ERR_NOTFOUND, 0, OPENPGP_FOLDER " holds no key %s", k->fingerprint);
}

int openpgp_sign(int dir, const struct openpgp_key *k, const struct secret *secret, int64_t at_s,
                 enum openpgp_form form, struct span text, struct buf *out, struct err *e)
{
    char when[32], who[48];
    auto_gpg g = {.home = -1, .in = -1, .out = -1, .log = -1, .secret = -1};
    if (text.len > TEXT_MAX)
        return err_set(e, ERR_LIMIT, 0, "a text of %zu bytes is too long to sign; wanted at most %u", text.len,
                       TEXT_MAX);
    if (gpg_begin(&g, dir, secret, text, e) < 0)
        return -1;
    /* "!" keeps the clock standing; "!" behind a fingerprint means this key and no subkey. */
    snprintf(when, sizeof(when), "%lld!", (long long)(at_s > k->created_s ? at_s : k->created_s));
    snprintf(who, sizeof(who), "%s!", k->fingerprint);
    arguments(&g, (const char *const[]){"--faked-system-time", when, "--local-user", who, "--armor", "--digest-algo",
                                        "SHA512", "--output", "-",
                                        form == OPENPGP_CLEAR ? "--clear-sign" : "--detach-sign", NULL});
    return gpg_run(&g, "sign", out, e);
}
