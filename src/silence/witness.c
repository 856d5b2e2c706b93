#include "silence/witness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/auto.h"
#include "util/file.h"

#define PROC_TEXT_MAX   (4U << 20)
#define DESCENDANTS_MAX 4096

static int read_proc(pid_t pid, const char *name, struct buf *out, struct err *e)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return file_read(AT_FDCWD, path, out, e);
}

/* Takes one word and the blanks before it. */
static bool take_word(struct span *s, struct span *word)
{
    while (s->len > 0 && (s->ptr[0] == ' ' || s->ptr[0] == '\t'))
        span_skip(s, 1);
    size_t n = 0;
    while (n < s->len && s->ptr[n] != ' ' && s->ptr[n] != '\t')
        n++;
    return n > 0 && span_take(s, n, word);
}

/* The line with names stands before the line with values: "Ip: Forwarding …" "Ip: 1 …". */
bool witness_parse_snmp(struct span text, uint64_t *out)
{
    struct span names, values, name, value;
    while (span_take_until(&text, '\n', &names)) {
        if (!span_starts(names, SPAN_LIT("Ip:")))
            continue;
        if (!span_take_until(&text, '\n', &values) || !span_starts(values, SPAN_LIT("Ip:")))
            return false;
        while (take_word(&names, &name) && take_word(&values, &value))
            if (span_equal_str(name, "OutNoRoutes"))
                return span_decimal(value, out);
        return false;
    }
    return false;
}

bool witness_parse_snmp6(struct span text, uint64_t *out)
{
    struct span line, name, value;
    while (span_take_until(&text, '\n', &line))
        if (take_word(&line, &name) && span_equal_str(name, "Ip6OutNoRoutes"))
            return take_word(&line, &value) && span_decimal(value, out);
    return false;
}

int witness_read(pid_t pid, uint64_t *packets, struct err *e)
{
    uint64_t four, six = 0;
    auto_buf snmp = BUF(PROC_TEXT_MAX), snmp6 = BUF(PROC_TEXT_MAX);
    struct err none;
    if (read_proc(pid, "net/snmp", &snmp, e) < 0)
        return -1;
    if (!witness_parse_snmp(buf_span(&snmp), &four))
        return err_set(e, ERR_SYSTEM, 0, "/proc/%d/net/snmp has no counter Ip OutNoRoutes", (int)pid);
    /* A kernel without IPv6 has no file. */
    if (read_proc(pid, "net/snmp6", &snmp6, &none) == 0 && !witness_parse_snmp6(buf_span(&snmp6), &six))
        return err_set(e, ERR_SYSTEM, 0, "/proc/%d/net/snmp6 has no counter Ip6OutNoRoutes", (int)pid);
    *packets = four + six;
    return 0;
}

/* ── who owns a socket ── */

static void read_link(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64], text[4096];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    ssize_t len = readlink(path, text, sizeof(text) - 1);
    text[len < 0 ? 0 : len] = '\0';
    clean_text(out, size, text);
}

static void read_command(pid_t pid, char *out, size_t size)
{
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (len < 0)
        len = 0;
    for (ssize_t i = 0; i < len; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    while (len > 0 && text[len - 1] == ' ')
        len--;
    text[len] = '\0';
    clean_text(out, size, text);
}

void process_describe(pid_t pid, struct silence_event *event)
{
    event->pid = pid;
    read_link(pid, "exe", event->program, sizeof(event->program));
    if (event->program[0] == '\0')
        snprintf(event->program, sizeof(event->program), "unknown");
    read_command(pid, event->command, sizeof(event->command));
}

/* "  12: 0100007F:D431 0100007F:0035 01 … inode": fields by position. 0: not this port. */
static unsigned long line_inode(struct span line, uint16_t port)
{
    struct span word, local = {0};
    char text[24];
    for (int field = 0; take_word(&line, &word); field++) {
        if (field == 1)
            local = word;
        if (field != 9)
            continue;
        struct span address;
        if (!span_take_until(&local, ':', &address) || local.len != 4 || word.len >= sizeof(text))
            return 0;
        char digits[5] = {0};
        memcpy(digits, local.ptr, 4);
        if (strtoul(digits, NULL, 16) != port)
            return 0;
        memcpy(text, word.ptr, word.len);
        text[word.len] = '\0';
        return strtoul(text, NULL, 10);
    }
    return 0;
}

static unsigned long port_inode(pid_t init, const char *table, uint16_t port)
{
    auto_buf text = BUF(PROC_TEXT_MAX);
    struct err none;
    struct span line;
    if (read_proc(init, table, &text, &none) < 0)
        return 0;
    struct span rest = buf_span(&text);
    span_take_until(&rest, '\n', &line); /* the heads of the columns */
    while (span_take_until(&rest, '\n', &line)) {
        unsigned long inode = line_inode(line, port);
        if (inode)
            return inode;
    }
    return 0;
}

static bool holds_socket(pid_t pid, const char *wanted)
{
    char path[64], link[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    bool found = false;
    const struct dirent *entry;
    while (dir && !found && (entry = readdir(dir)) != NULL) {
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
        link[len < 0 ? 0 : len] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    if (dir)
        closedir(dir);
    return found;
}

/* Appends the children of `pid`, of each of its threads. */
static void add_children(pid_t pid, pid_t *list, size_t *count)
{
    char path[64], name[300];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        auto_buf text = BUF(65536);
        struct err none;
        struct span rest, word;
        snprintf(name, sizeof(name), "%s/children", entry->d_name);
        if (entry->d_name[0] == '.' || file_read(dirfd(dir), name, &text, &none) < 0)
            continue;
        rest = buf_span(&text);
        uint64_t child;
        while (*count < DESCENDANTS_MAX && take_word(&rest, &word))
            if (span_decimal(word, &child) && child <= INT32_MAX)
                list[(*count)++] = (pid_t)child;
    }
    if (dir)
        closedir(dir);
}

bool owner_find(pid_t init, bool tcp, uint16_t port, struct silence_event *event)
{
    char wanted[48];
    unsigned long inode = port_inode(init, tcp ? "net/tcp" : "net/udp", port);
    if (!inode)
        inode = port_inode(init, tcp ? "net/tcp6" : "net/udp6", port);
    if (!inode)
        return false;
    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    pid_t *list = calloc(DESCENDANTS_MAX, sizeof(*list));
    size_t count = 0;
    bool found = false;
    if (!list)
        abort();
    add_children(init, list, &count);
    for (size_t i = 0; i < count && !found; i++) {
        found = holds_socket(list[i], wanted);
        if (found)
            process_describe(list[i], event);
        else
            add_children(list[i], list, &count);
    }
    free(list);
    return found;
}
