/* Messages and the spec between the caller, the keeper and process 1. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/box_parts.h"
#include "util/auto.h"
#include "util/file.h"
#include "util/limits.h"

int box_send(int sock, const struct box_message *m, const int *fds, size_t count)
{
    ssize_t sent;
    if (count == 0) {
        do
            sent = write(sock, m, sizeof(*m));
        while (sent < 0 && errno == EINTR);
        return sent < 0 ? -1 : 0;
    }
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(BOX_MESSAGE_FDS * sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)m, .iov_len = sizeof(*m)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes};
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    do
        sent = sendmsg(sock, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

static void take_fds(struct msghdr *message, int *fds, size_t room, size_t *count)
{
    for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
            if (*count < room)
                fds[(*count)++] = fd;
            else
                close(fd);
        }
    }
}

int box_receive(int sock, struct box_message *m, int *fds, size_t room, size_t *count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(BOX_MESSAGE_FDS * sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = m, .iov_len = sizeof(*m)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    ssize_t got;
    do
        got = fds ? recvmsg(sock, &message, MSG_CMSG_CLOEXEC) : read(sock, m, sizeof(*m));
    while (got < 0 && errno == EINTR);
    if (count)
        *count = 0;
    if (fds && got >= 0)
        take_fds(&message, fds, room, count);
    if (got <= 0)
        return got < 0 && errno != ECONNRESET ? -1 : 0;
    if (got != (ssize_t)sizeof(*m)) {
        errno = EBADMSG;
        return -1;
    }
    m->text[sizeof(m->text) - 1] = '\0';
    return 1;
}

int box_send_error(int sock, const struct err *e)
{
    struct box_message m = {.word = BOX_SAYS_ERROR, .code = (int32_t)e->code, .sys_errno = e->sys_errno};
    memcpy(m.text, e->msg, sizeof(m.text));
    return box_send(sock, &m, NULL, 0);
}

void box_take_error(const struct box_message *m, struct err *e)
{
    enum err_code code = m->code > ERR_NONE && m->code < ERR_CODES ? (enum err_code)m->code : ERR_SYSTEM;
    err_set(e, code, 0, "%s", m->text);
    if (e)
        e->sys_errno = m->sys_errno;
}

/* ── the spec ── */

static void put_list(struct json_out *w, const char *key, const char *const *list)
{
    json_put_array(w, key);
    for (; list && *list; list++)
        json_out_string(w, *list);
    json_out_array_end(w);
}

static void write_spec(struct json_out *w, const struct box_spec *s)
{
    json_out_object(w);
    json_put_string(w, "name", s->name);
    json_put_array(w, "files");
    for (size_t i = 0; i < s->file_count; i++)
        json_out_string(w, s->files[i].path);
    json_out_array_end(w);
    json_put_array(w, "listens");
    for (size_t i = 0; i < s->listen_count; i++) {
        json_out_object(w);
        json_put_string(w, "address", s->listens[i].address);
        json_put_uint(w, "port", s->listens[i].port);
        json_out_object_end(w);
    }
    json_out_array_end(w);
    put_list(w, "argv", s->argv);
    put_list(w, "env", s->env);
    json_put_string(w, "workdir", s->workdir ? s->workdir : "/");
    json_put_bool(w, "run_dir", s->run_dir >= 0);
    json_put_bool(w, "output", s->output >= 0);
    json_put_bool(w, "error", s->error >= 0);
    json_put_uint(w, "memory", s->memory_bytes);
    json_put_uint(w, "cpu", s->cpu_percent);
    json_put_uint(w, "processes", s->processes);
    json_put_uint(w, "tmp", s->tmp_bytes);
    json_put_bool(w, "observe", s->observe);
    json_put_string(w, "resolv_conf", s->resolv_conf ? s->resolv_conf : "");
    json_out_object_end(w);
}

static int spec_file(const struct box_spec *s, struct err *e)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    struct json_out w;
    json_out_init(&w, &text);
    write_spec(&w, s);
    if (buf_check(&text, "the box's arguments and environment", e) < 0)
        return -1;
    auto_fd fd = memfd_create("box-spec", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_SYSTEM, errno, "memfd_create");
    if (file_write_all(fd, buf_span(&text), "the box's spec", e) < 0)
        return -1;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_set(e, ERR_IO, errno, "lseek");
    return fd_steal(&fd);
}

static int send_fds(int sock, const int *fds, size_t count, struct err *e)
{
    struct box_message m = {0};
    for (size_t at = 0; at < count;) {
        size_t n = count - at < BOX_MESSAGE_FDS ? count - at : BOX_MESSAGE_FDS;
        if (box_send(sock, &m, fds + at, n) < 0)
            return err_set(e, ERR_IO, errno, "hand %zu descriptors to the keeper of the box", n);
        at += n;
    }
    return 0;
}

int box_send_spec(int sock, const struct box_spec *spec, struct err *e)
{
    int fds[BOX_FILES_MAX + 5];
    size_t count = 0;
    auto_fd text = spec_file(spec, e);
    if (text < 0)
        return -1;
    if (spec->file_count > BOX_FILES_MAX)
        return err_set(e, ERR_LIMIT, 0, "a box of %zu files; at most %d", spec->file_count, BOX_FILES_MAX);
    fds[count++] = spec->root;
    if (spec->run_dir >= 0)
        fds[count++] = spec->run_dir;
    if (spec->output >= 0)
        fds[count++] = spec->output;
    if (spec->error >= 0)
        fds[count++] = spec->error;
    for (size_t i = 0; i < spec->file_count; i++)
        fds[count++] = spec->files[i].fd;
    if (send_fds(sock, &text, 1, e) < 0)
        return -1;
    return send_fds(sock, fds, count, e);
}

static int receive_fds(int sock, int *fds, size_t wanted, struct err *e)
{
    struct box_message m;
    for (size_t have = 0; have < wanted;) {
        size_t got;
        int result = box_receive(sock, &m, fds + have, wanted - have, &got);
        if (result <= 0 || got == 0)
            return err_set(e, ERR_IO, result < 0 ? errno : 0, "the caller of the box is gone");
        have += got;
    }
    return 0;
}

/* The strings stay the document's. */
static char **string_list(const json_t *array)
{
    size_t count = json_array_size(array);
    char **list = calloc(count + 1, sizeof(*list));
    if (!list)
        abort();
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        list[i] = (char *)(uintptr_t)(text ? text : "");
    }
    return list;
}

static int read_numbers(const json_t *d, struct box_spec *s, struct err *e)
{
    if (json_need_uint(d, "memory", "", &s->memory_bytes, e) < 0 ||
        json_need_uint(d, "cpu", "", &s->cpu_percent, e) < 0 ||
        json_need_uint(d, "processes", "", &s->processes, e) < 0 || json_need_uint(d, "tmp", "", &s->tmp_bytes, e) < 0)
        return -1;
    s->observe = json_is_true(json_object_get(d, "observe"));
    return 0;
}

static int read_listens(struct box_plan *p, struct err *e)
{
    struct box_spec *s = &p->spec;
    const json_t *list = json_need_array(p->document, "listens", "", e);
    if (!list)
        return -1;
    s->listens = p->listens;
    s->listen_count = json_array_size(list);
    if (s->listen_count > BOX_LISTEN_MAX)
        return err_set(e, ERR_LIMIT, 0, "too many places to listen at");
    for (size_t i = 0; i < s->listen_count; i++) {
        uint64_t port;
        const json_t *row = json_array_get(list, i);
        p->listens[i].address = json_need_string(row, "address", "/listens", e);
        if (!p->listens[i].address || json_need_uint(row, "port", "/listens", &port, e) < 0)
            return -1;
        p->listens[i].port = (uint16_t)port;
    }
    return 0;
}

static int read_document(struct box_plan *p, struct err *e)
{
    const json_t *d = p->document;
    struct box_spec *s = &p->spec;
    const json_t *files = json_need_array(d, "files", "", e), *argv = files ? json_need_array(d, "argv", "", e) : NULL,
                 *env = argv ? json_need_array(d, "env", "", e) : NULL;
    if (!env || !(s->name = json_need_string(d, "name", "", e)) ||
        !(s->workdir = json_need_string(d, "workdir", "", e)) ||
        !(s->resolv_conf = json_need_string(d, "resolv_conf", "", e)) || read_numbers(d, s, e) < 0 ||
        read_listens(p, e) < 0)
        return -1;
    p->paths = string_list(files);
    p->argv = string_list(argv);
    p->env = string_list(env);
    s->argv = (const char *const *)p->argv;
    s->env = (const char *const *)p->env;
    s->file_count = json_array_size(files);
    p->files = calloc(s->file_count + 1, sizeof(*p->files));
    if (!p->files)
        abort();
    s->files = p->files;
    return s->file_count <= BOX_FILES_MAX ? 0 : err_set(e, ERR_LIMIT, 0, "too many files");
}

static int read_spec_file(int fd, struct box_plan *p, struct err *e)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES);
    if (file_read_fd(fd, "the box's spec", &text, e) < 0)
        return -1;
    p->document = json_parse(buf_span(&text), LIMIT_JSON_BYTES, "the box's spec", e);
    return p->document ? read_document(p, e) : -1;
}

int box_receive_spec(int sock, struct box_plan *plan, struct err *e)
{
    int fds[BOX_FILES_MAX + 4], text;
    size_t at = 0;
    struct box_spec *s = &plan->spec;
    *plan = (struct box_plan){.spec = {.run_dir = -1, .output = -1, .error = -1, .root = -1}};
    if (receive_fds(sock, &text, 1, e) < 0)
        return -1;
    auto_fd file = text;
    if (read_spec_file(file, plan, e) < 0)
        return -1;
    bool run_dir = json_is_true(json_object_get(plan->document, "run_dir"));
    bool output = json_is_true(json_object_get(plan->document, "output"));
    bool error = json_is_true(json_object_get(plan->document, "error"));
    if (receive_fds(sock, fds, s->file_count + 1 + run_dir + output + error, e) < 0)
        return -1;
    s->root = fds[at++];
    s->run_dir = run_dir ? fds[at++] : -1;
    s->output = output ? fds[at++] : -1;
    s->error = error ? fds[at++] : -1;
    for (size_t i = 0; i < s->file_count; i++)
        plan->files[i] = (struct box_file){.fd = fds[at++], .path = plan->paths[i]};
    return 0;
}
