/* The version of the program, and which of two versions of a package is the newer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "parse/version.h"
#include "sandbox/child.h"
#include "util/limits.h"
#include "util/sys.h"
#include "version.h"

static int run_version(struct invocation *in)
{
    if (!in->json) {
        puts("airlock " AIRLOCK_VERSION);
        return 0;
    }
    struct json_out w;
    auto_buf out = BUF(1024);
    command_json(&w, &out, "version");
    json_put_string(&w, "version", AIRLOCK_VERSION);
    command_json_end(&w);
    return 0;
}

const struct command CMD_VERSION = {
    .name = "version",
    .summary = "print the version",
    .min_args = 0,
    .max_args = 0,
    .run = run_version,
};

/* ── version compare ── */

/* Lines that are sent to the parse role at once: a million lines are some messages. */
#define CHUNK_BYTES (1U << 20)

/* A chunk takes some hundredths of a second. */
#define COMPARE_TIMEOUT_MS 60000

/* A line of JSON holds both texts, each byte of which may take six to escape. */
#define JSON_LINE_MAX (16U * CHUNK_BYTES)

struct comparison {
    const char *type;
    bool json;
    struct child *parser;
    uint64_t lines, invalid; /* counted so far */
    uint64_t first_invalid;  /* the line, from 1 */
};

static const char *word_of(uint8_t answer)
{
    switch (answer) {
    case '<':
        return "<";
    case '=':
        return "=";
    case '>':
        return ">";
    case 'a':
    case 'b':
        return "invalid";
    default:
        return NULL;
    }
}

/* `line` of 0: a comparison alone. */
static void print_json(const struct comparison *c, struct span a, struct span b, uint8_t answer, uint64_t line)
{
    struct json_out w;
    auto_buf out = BUF(JSON_LINE_MAX);
    command_json(&w, &out, "version-compare");
    json_put_string(&w, "type", c->type);
    if (line)
        json_put_uint(&w, "line", line);
    json_out_key(&w, "a");
    json_out_span(&w, a);
    json_out_key(&w, "b");
    json_out_span(&w, b);
    json_put_string(&w, "order", word_of(answer));
    if (answer == 'a' || answer == 'b')
        json_put_string(&w, "no_version", answer == 'a' ? "a" : "b");
    command_json_end(&w);
}

static int print_answer(struct comparison *c, struct span line, uint8_t answer, struct err *e)
{
    struct span a;
    c->lines++;
    if (!word_of(answer) || !span_take_until(&line, '\t', &a))
        return err_set(e, ERR_INPUT, 0,
                       "standard input, line %llu: no tab; wanted two versions with a tab between them in each line",
                       (unsigned long long)c->lines);
    if (answer == 'a' || answer == 'b') {
        c->first_invalid = c->invalid ? c->first_invalid : c->lines;
        c->invalid++;
    }
    if (c->json)
        print_json(c, a, line, answer, c->lines);
    else
        puts(word_of(answer));
    return 0;
}

static int ask(const struct comparison *c, struct span lines, struct buf *reply, struct err *e)
{
    struct child_request request = {
        .op = "versions", .fd = -1, .input = lines, .arg = span_str(c->type), .timeout_ms = COMPARE_TIMEOUT_MS};
    return child_call(c->parser, &request, reply, e);
}

static int compare_lines(struct comparison *c, struct span lines, struct err *e)
{
    auto_buf reply = BUF(lines.len + 1);
    if (ask(c, lines, &reply, e) < 0)
        return -1;
    for (size_t i = 0; lines.len; i++) {
        struct span line = lines;
        if (!span_take_until(&lines, '\n', &line))
            lines.len = 0;
        if (i == reply.len)
            return err_set(e, ERR_UNDECIDED, 0, "the parse role answered %zu lines, and more were asked", reply.len);
        if (print_answer(c, line, reply.ptr[i], e) < 0)
            return -1;
    }
    fflush(stdout);
    return 0;
}

/* Whole lines only; what is left over moves to the front. */
static int compare_whole_lines(struct comparison *c, struct buf *text, struct err *e)
{
    const uint8_t *last = text->len ? memrchr(text->ptr, '\n', text->len) : NULL;
    size_t whole = last ? (size_t)(last - text->ptr) + 1 : 0;
    if (whole == 0 && text->len == text->max)
        return err_set(e, ERR_LIMIT, 0, "standard input, line %llu: longer than %u bytes",
                       (unsigned long long)c->lines + 1, CHUNK_BYTES);
    if (whole && compare_lines(c, span_of(text->ptr, whole), e) < 0)
        return -1;
    auto_buf rest = BUF(CHUNK_BYTES);
    buf_add(&rest, text->ptr + whole, text->len - whole);
    buf_clear(text);
    buf_add_span(text, buf_span(&rest));
    return 0;
}

static int compare_stream(struct comparison *c, struct err *e)
{
    auto_buf text = BUF(CHUNK_BYTES);
    for (;;) {
        uint8_t *room = buf_room(&text, text.max - text.len);
        ssize_t n = sys.read(STDIN_FILENO, room, text.max - text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, ERR_IO, errno, "standard input: read");
        if (n == 0)
            break;
        buf_grown(&text, (size_t)n);
        if (compare_whole_lines(c, &text, e) < 0)
            return -1;
    }
    return text.len ? compare_lines(c, buf_span(&text), e) : 0;
}

/* Without a helper nothing can be decided: that is an answer of its own. */
static int cannot(struct invocation *in, struct err *e)
{
    if (e->code == ERR_SYSTEM)
        e->code = ERR_UNDECIDED;
    fflush(stdout);
    return command_fail(in, e);
}

static int compare_input(struct invocation *in, struct comparison *c)
{
    struct err e = {0};
    if (compare_stream(c, &e) < 0)
        return cannot(in, &e);
    if (c->invalid && !in->quiet)
        fprintf(stderr,
                "airlock version compare: %llu of %llu lines hold a text that is no version of %s; line %llu is the "
                "first\n",
                (unsigned long long)c->invalid, (unsigned long long)c->lines, c->type,
                (unsigned long long)c->first_invalid);
    return c->invalid ? 1 : 0;
}

/* A tab or a newline is in no version: such a text could only be taken for two. */
static bool is_line(const char *text)
{
    return !strpbrk(text, "\t\n");
}

static int compare_two(struct invocation *in, struct comparison *c, const char *a, const char *b)
{
    struct err e = {0};
    auto_buf line = BUF(LIMIT_MESSAGE_BYTES / 2);
    auto_buf reply = BUF(1);
    uint8_t answer = is_line(a) ? 'b' : 'a';
    buf_printf(&line, "%s\t%s", a, b);
    if (is_line(a) && is_line(b)) {
        if (buf_check(&line, "the two versions", &e) < 0 || ask(c, buf_span(&line), &reply, &e) < 0)
            return cannot(in, &e);
        answer = reply.len ? reply.ptr[0] : 0;
    }
    if (!word_of(answer)) {
        err_set(&e, ERR_UNDECIDED, 0, "the parse role gave no answer");
        return cannot(in, &e);
    }
    bool invalid = answer == 'a' || answer == 'b';
    if (in->json)
        print_json(c, span_str(a), span_str(b), answer, 0);
    else
        puts(word_of(answer));
    if (invalid && !in->quiet)
        fprintf(stderr, "airlock version compare: %c is no version of %s\n", answer == 'a' ? 'A' : 'B', c->type);
    return invalid ? 1 : 0;
}

static int unknown_type(struct invocation *in)
{
    auto_buf names = BUF(4096);
    for (size_t i = 0; i < VERSION_TYPES; i++)
        buf_printf(&names, "%s%s", i ? " " : "", version_type_name((enum version_type)i));
    return command_usage(in, "versions of \"%s\" have no order here; wanted one of: %s", in->argv[0], buf_str(&names));
}

static int run_compare(struct invocation *in)
{
    struct err e = {0};
    enum version_type type;
    struct comparison c = {.json = in->json};
    if (in->argc == 2)
        return command_usage(in, "one version alone; wanted both, or none and lines \"A TAB B\" on standard input");
    if (!version_type_named(span_str(in->argv[0]), &type))
        return unknown_type(in);
    c.type = version_type_name(type);
    c.parser = child_start(ROLE_PARSE, &e);
    if (!c.parser)
        return cannot(in, &e);
    int status = in->argc == 3 ? compare_two(in, &c, in->argv[1], in->argv[2]) : compare_input(in, &c);
    child_stop(c.parser);
    return status;
}

const struct command CMD_VERSION_COMPARE = {
    .name = "version compare",
    .usage = "TYPE [A B]",
    .summary = "which of two versions of a package is the newer",
    .detail = "Prints \"<\", \"=\" or \">\", as A stands before, beside or behind B by the rules of its ecosystem; or "
              "\"invalid\", and "
              "ends with 1, when one of them is no version there. TYPE is a type of package URLs: deb apk rpm pypi npm "
              "golang maven "
              "cargo gem nuget composer, and also hex bitnami alpm cran pub hackage conan ebuild openssl.\n\nWithout A "
              "and B it reads lines "
              "\"A TAB B\" from standard input and prints a line for each; with --json, a document for each. A line "
              "without a tab ends it with 3, after the "
              "answers before it.",
    .min_args = 1,
    .max_args = 3,
    .run = run_compare,
};
