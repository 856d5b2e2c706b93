#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "util/file.h"

const char *option_get(const struct invocation *in, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < in->value_count; i++)
        if (strcmp(in->values[i].name, name) == 0)
            value = in->values[i].value;
    return value;
}

bool option_given(const struct invocation *in, const char *name)
{
    return option_get(in, name) != NULL;
}

const char *option_nth(const struct invocation *in, const char *name, size_t n)
{
    for (size_t i = 0; i < in->value_count; i++)
        if (strcmp(in->values[i].name, name) == 0 && n-- == 0)
            return in->values[i].value;
    return NULL;
}

static const char *program_name(const struct invocation *in)
{
    return in->command ? in->command->name : "";
}

static void error_json(struct invocation *in, const struct err *e, void (*more)(struct json_out *w, const void *arg),
                       const void *arg)
{
    struct json_out w;
    auto_buf out = BUF(1U << 20);
    command_json(&w, &out, "error");
    json_put_string(&w, "command", program_name(in));
    json_put_string(&w, "code", err_code_name(e->code));
    json_put_string(&w, "message", e->msg);
    json_put_int(&w, "status", err_exit_status(e->code));
    if (more)
        more(&w, arg);
    command_json_end(&w);
}

int command_fail_with(struct invocation *in, const struct err *e, void (*more)(struct json_out *w, const void *arg),
                      const void *arg)
{
    fprintf(stderr, "airlock %s: %s\n", program_name(in), e->msg);
    if (in->json)
        error_json(in, e, more, arg);
    return err_exit_status(e->code);
}

int command_fail(struct invocation *in, const struct err *e)
{
    return command_fail_with(in, e, NULL, NULL);
}

int command_usage(struct invocation *in, const char *format, ...)
{
    struct err e = {0};
    va_list args;
    va_start(args, format);
    err_setv(&e, ERR_USAGE, 0, format, args);
    va_end(args);
    fprintf(stderr, "airlock%s%s: %s\nSee `airlock%s%s --help`.\n", in->command ? " " : "", program_name(in), e.msg,
            in->command ? " " : "", program_name(in));
    if (in->json)
        error_json(in, &e, NULL, NULL);
    return 2;
}

void command_json(struct json_out *w, struct buf *out, const char *schema)
{
    json_out_init(w, out);
    json_out_object(w);
    auto_buf name = BUF(128);
    buf_printf(&name, "airlock/%s/1", schema);
    json_put_string(w, "schema", buf_str(&name));
}

void command_json_end(struct json_out *w)
{
    json_out_object_end(w);
    buf_add_byte(w->out, '\n');
    fwrite(w->out->ptr, 1, w->out->len, stdout);
}

static void echo_set(bool on)
{
    struct termios t;
    if (tcgetattr(STDIN_FILENO, &t) < 0)
        return;
    t.c_lflag = on ? t.c_lflag | ECHO : t.c_lflag & ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
}

static int ask_once(const char *question, struct secret *out, struct err *e)
{
    fprintf(stderr, "%s", question);
    echo_set(false);
    char *line = fgets(out->text, sizeof out->text, stdin);
    echo_set(true);
    fputc('\n', stderr);
    if (!line)
        return err_set(e, ERR_USAGE, 0, "no passphrase was typed");
    out->len = strcspn(out->text, "\n");
    out->text[out->len] = '\0';
    return out->len ? 0 : err_set(e, ERR_USAGE, 0, "an empty passphrase seals nothing");
}

static int ask_on_terminal(const char *key_file, bool twice, struct secret *out, struct err *e)
{
    char question[640];
    snprintf(question, sizeof question, "Passphrase for %.500s: ", key_file);
    if (ask_once(question, out, e) < 0 || !twice)
        return out->len ? 0 : -1;
    struct secret again = {.len = 0};
    int result = ask_once("The same once more: ", &again, e);
    if (result == 0 && (again.len != out->len || memcmp(again.text, out->text, out->len) != 0))
        result = err_set(e, ERR_USAGE, 0, "the two passphrases differ; nothing was written");
    secret_fini(&again);
    return result;
}

int command_passphrase(struct invocation *in, const char *key_file, bool twice, struct secret *out, struct err *e)
{
    const char *file = option_get(in, "passphrase-file");
    if (!file)
        file = getenv("AIRLOCK_PASSPHRASE_FILE");
    if (file && *file)
        return secret_from_file(file, out, e);
    if (isatty(STDIN_FILENO))
        return ask_on_terminal(key_file, twice, out, e);
    return err_set(e, ERR_USAGE, 0,
                   "%s needs a passphrase, and nobody is at a terminal to be asked; give --passphrase-file FILE or set "
                   "AIRLOCK_PASSPHRASE_FILE",
                   key_file);
}

struct site *command_site(struct invocation *in, int kind, struct err *e)
{
    return site_open(in->home, kind, e);
}
