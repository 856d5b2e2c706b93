#include <fcntl.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "util/file.h"

#define PAGE_MAX (1U << 20)

static int write_page(int dir, const char *name, const struct buf *page, struct err *e)
{
    auto_buf file = BUF(256);
    buf_printf(&file, "%s.1", name);
    for (size_t i = 0; i < file.len; i++)
        if (file.ptr[i] == ' ')
            file.ptr[i] = '-';
    if (buf_check(page, name, e) < 0)
        return -1;
    return file_write(dir, buf_str(&file), buf_span(page), 0644, e);
}

static int write_pages(int dir, int *count, struct err *e)
{
    auto_buf overview = BUF(PAGE_MAX);
    help_man_overview(&overview);
    if (write_page(dir, "airlock", &overview, e) < 0)
        return -1;
    *count = 1;
    for (const struct command *const *c = COMMANDS; *c; c++, (*count)++) {
        auto_buf page = BUF(PAGE_MAX), name = BUF(256);
        help_man_page(*c, &page);
        buf_printf(&name, "airlock-%s", (*c)->name);
        if (write_page(dir, buf_str(&name), &page, e) < 0)
            return -1;
    }
    return 0;
}

static int run(struct invocation *in)
{
    struct err e = {0};
    int count = 0;
    if (dir_make(AT_FDCWD, in->argv[0], 0755, &e) < 0)
        return command_fail(in, &e);
    auto_fd dir = dir_open(AT_FDCWD, in->argv[0], &e);
    if (dir < 0 || write_pages(dir, &count, &e) < 0)
        return command_fail(in, &e);
    if (!in->quiet)
        fprintf(stderr, "%d pages in %s; read one with `man -l %s/airlock.1`\n", count, in->argv[0], in->argv[0]);
    return 0;
}

const struct command CMD_MAN = {
    .name = "man",
    .usage = "DIR",
    .summary = "write the manual pages into a folder",
    .detail =
        "One page a command, and one over all, made of the same tables that the program parses its command line with.",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
