#include "fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "util/clock.h"

static pthread_mutex_t records_lock = PTHREAD_MUTEX_INITIALIZER;

static void copy_text(char *to, size_t size, struct span from)
{
    snprintf(to, size, "%.*s", (int)from.len, (const char *)from.ptr);
}

static int identify(void *arg, struct span token, struct identity *out, struct err *e)
{
    struct span person, role;
    char name[33];
    (void)arg;
    *out = (struct identity){0};
    if (!span_take_until(&token, '.', &person) || !span_take_until(&token, '.', &role))
        return err_set(e, ERR_DENIED, 0, "no such token");
    copy_text(out->person, sizeof(out->person), person);
    copy_text(out->environment, sizeof(out->environment),
              token.len == 1 && token.ptr[0] == '~' ? SPAN_LIT("*") : token);
    copy_text(name, sizeof(name), role);
    if (!role_parse(name, &out->role))
        return err_set(e, ERR_DENIED, 0, "no such role");
    copy_text(out->role_name, sizeof(out->role_name), role);
    copy_text(out->repository, sizeof(out->repository), SPAN_LIT("*"));
    return 0;
}

static json_t *parameters;

static void fill(const struct fixture *f, int which, struct gateway_engine *out)
{
    *out = (struct gateway_engine){.name = "assistant",
                                   .version = which ? "v1.1.0" : "v1.0.0",
                                   .release = digest_of(span_of(&which, sizeof(which))),
                                   .door = f->doors[which],
                                   .system = which ? "Be brief. marker:GREEN" : "Be kind. marker:BLUE",
                                   .parameters = parameters,
                                   .created_s = 1700000000};
}

static int take(void *arg, const char *environment, const char *name, struct gateway_engine *out, struct err *e)
{
    struct fixture *f = arg;
    if (!strcmp(name, "starting"))
        return err_set(e, ERR_BUSY, 0, "starting is starting");
    if (strcmp(environment, "prod") != 0 || strcmp(name, "assistant") != 0)
        return err_set(e, ERR_NOTFOUND, 0, "no %s", name);
    fill(f, __atomic_load_n(&f->current, __ATOMIC_SEQ_CST), out);
    f->held++;
    return 0;
}

static void give(void *arg, struct gateway_engine *g)
{
    struct fixture *f = arg;
    (void)g;
    f->held--;
}

static int each_engine(void *arg, const char *environment, int (*each)(void *each_arg, const struct gateway_engine *g),
                       void *each_arg)
{
    struct gateway_engine g;
    if (strcmp(environment, "prod") != 0)
        return 0;
    fill(arg, 0, &g);
    return each(each_arg, &g);
}

static int record(void *arg, struct span line, struct err *e)
{
    struct fixture *f = arg;
    if (f->record_fails)
        return err_set(e, ERR_NOSPACE, 0, "disk full");
    pthread_mutex_lock(&records_lock);
    buf_add_span(&f->records, line);
    buf_add_byte(&f->records, '\n');
    pthread_mutex_unlock(&records_lock);
    return 0;
}

static pid_t start_engine(const char *socket_path)
{
    char path[512];
    const char *build = getenv("AIRLOCK_BUILD");
    snprintf(path, sizeof(path), "%s/tests/mock/mock-engine", build ? build : ".");
    pid_t pid = fork();
    if (pid == 0) {
        execl(path, path, "--host", socket_path, "--model", path, (char *)NULL);
        _exit(127);
    }
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, socket_path, strlen(socket_path) + 1);
    for (int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS; clock_mono_ms() < until; poll(NULL, 0, 5)) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int connected = connect(fd, (struct sockaddr *)&a, sizeof(a));
        close(fd);
        if (connected == 0)
            return pid;
    }
    fail_msg("the stand-in engine %s did not start", path);
    return -1;
}

/* It is in no box: then what counts is that it lives where it was started. */
static struct door *open_door(const struct fixture *f, int which)
{
    struct err e = {0};
    struct door_place here;
    assert_int_equal(door_place_of(f->engines[which], &here), 0);
    auto_fd folder = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct door *d = door_new(folder, f->sockets[which] + strlen(f->folder) + 1, &here, "stand-in", &e);
    if (!d)
        fail_msg("%s", e.msg);
    return d;
}

void fixture_start(struct fixture *f, uint64_t requests_per_minute, bool log_prompts)
{
    struct err e = {0};
    memset(f, 0, sizeof(*f));
    f->records = BUF(4 << 20);
    snprintf(f->folder, sizeof(f->folder), "/tmp/airlock-gateway-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    for (int i = 0; i < 2; i++) {
        snprintf(f->sockets[i], sizeof(f->sockets[i]), "%s/%d.sock", f->folder, i);
        f->engines[i] = start_engine(f->sockets[i]);
        f->doors[i] = open_door(f, i);
    }
    parameters = json_pack("{s:i, s:f}", "max_tokens", 5000, "temperature", 0.0);
    struct gateway_options o = {.requests_per_minute = requests_per_minute, .log_prompts = log_prompts, .slow_ms = 200};
    o.source = (struct gateway_source){.callers = {.identify = identify, .arg = f},
                                       .take = take,
                                       .give = give,
                                       .each = each_engine,
                                       .record = record,
                                       .arg = f};
    f->gateway = gateway_start(&o, &e);
    if (!f->gateway)
        fail_msg("%s", e.msg);
    struct http_options h = {.comment_ms = 500, .grace_ms = 60000};
    size_t count = gateway_routes(f->gateway, f->routes);
    f->server = test_server(f->routes, count, &h);
}

void fixture_stop(struct fixture *f)
{
    http_stop(f->server, 0);
    gateway_stop(f->gateway);
    for (int i = 0; i < 2; i++) {
        kill(f->engines[i], SIGTERM);
        waitpid(f->engines[i], NULL, 0);
        unlink(f->sockets[i]);
        door_free(f->doors[i]);
    }
    rmdir(f->folder);
    json_decref(parameters);
    buf_fini(&f->records);
}

static unsigned count_lines(struct span s)
{
    unsigned n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.ptr[i] == '\n';
    return n;
}

void fixture_records(struct fixture *f, unsigned count, struct buf *out)
{
    int64_t until = clock_mono_ms() + CLIENT_TIMEOUT_MS;
    do {
        buf_clear(out);
        pthread_mutex_lock(&records_lock);
        buf_add_span(out, buf_span(&f->records));
        pthread_mutex_unlock(&records_lock);
        if (count_lines(buf_span(out)) >= count)
            break;
        poll(NULL, 0, 5);
    } while (clock_mono_ms() < until);
    assert_int_equal(count_lines(buf_span(out)), count);
}

int fixture_send(struct fixture *f, const char *token, const char *body)
{
    char head[512];
    int fd = client_connect(http_port(f->server));
    snprintf(head, sizeof(head),
             "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
             "Content-Length: %zu\r\n\r\n",
             token, strlen(body));
    client_send_text(fd, head);
    client_send_text(fd, body);
    return fd;
}

int fixture_ask(struct fixture *f, const char *token, const char *body, char *out, size_t room)
{
    bool ended;
    int fd = fixture_send(f, token, body);
    client_read(fd, out, room, CLIENT_TIMEOUT_MS, &ended);
    close(fd);
    return status_of(out);
}
