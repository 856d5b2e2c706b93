/* argv → invocation. Options may stand anywhere behind the command's words; `--` ends them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "util/log.h"

static const struct option GLOBAL_OPTIONS[] = {
    {"home", "DIR", "the contour's or station's folder (else AIRLOCK_HOME, else the working directory)", false},
    {"json", NULL, "print one JSON document", false},
    {"quiet", NULL, "no progress, no remarks", false},
    {"verbose", NULL, "say more", false},
    {"help", NULL, "explain", false},
};

struct parse {
    struct invocation *in;
    int argc, at;
    char **argv;
    bool help;
};

static const struct option *find_option(const struct option *list, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count && list[i].name; i++)
        if (strlen(list[i].name) == len && memcmp(list[i].name, name, len) == 0)
            return &list[i];
    return NULL;
}

static void set_global(struct parse *p, const struct option *o, const char *value)
{
    if (strcmp(o->name, "home") == 0)
        p->in->home = value;
    else if (strcmp(o->name, "json") == 0)
        p->in->json = true;
    else if (strcmp(o->name, "quiet") == 0)
        p->in->quiet = true;
    else if (strcmp(o->name, "verbose") == 0)
        p->in->verbose = true;
    else
        p->help = true;
}

static int add_value(struct parse *p, const struct option *o, const char *value)
{
    struct invocation *in = p->in;
    if (!o->repeated && option_given(in, o->name))
        return command_usage(in, "--%s is given twice", o->name);
    if (in->value_count == COMMAND_VALUES_MAX)
        return command_usage(in, "more than %d options", COMMAND_VALUES_MAX);
    in->values[in->value_count].name = o->name;
    in->values[in->value_count++].value = value;
    return 0;
}

/* Takes the option at p->at, and its value if it has one. */
static int take_option(struct parse *p)
{
    const char *name = p->argv[p->at++] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *global = find_option(GLOBAL_OPTIONS, ARRAY_LEN(GLOBAL_OPTIONS), name, len);
    const struct option *o = global;
    if (!o && p->in->command)
        o = find_option(p->in->command->options, COMMAND_OPTIONS_MAX, name, len);
    if (!o)
        return command_usage(p->in, "unknown option --%.*s", (int)len, name);
    const char *value = "";
    if (!o->value && equals)
        return command_usage(p->in, "--%s takes no value", o->name);
    if (o->value && !equals && p->at == p->argc)
        return command_usage(p->in, "--%s wants a value: %s", o->name, o->value);
    if (o->value)
        value = equals ? equals + 1 : p->argv[p->at++];
    if (global)
        set_global(p, o, value);
    return global ? 0 : add_value(p, o, value);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

static int unknown_command(struct parse *p, int used)
{
    const char *word = p->argv[p->at];
    if (used > 0)
        return command_usage(p->in, "\"%s\" is a group of commands; see `airlock --help`", word);
    const char *near = command_nearest(word);
    if (near)
        return command_usage(p->in, "unknown command \"%s\"; the nearest is \"%s\"", word, near);
    return command_usage(p->in, "unknown command \"%s\"", word);
}

static int take_arguments(struct parse *p)
{
    struct invocation *in = p->in;
    in->argv = p->argv + p->at; /* compacted in place: an argument never moves up */
    while (p->at < p->argc) {
        if (strcmp(p->argv[p->at], "--") == 0) {
            while (++p->at < p->argc)
                in->argv[in->argc++] = p->argv[p->at];
        } else if (is_option(p->argv[p->at])) {
            if (take_option(p) != 0)
                return 2;
        } else {
            in->argv[in->argc++] = p->argv[p->at++];
        }
    }
    return 0;
}

static int show_help(const struct command *c)
{
    auto_buf text = BUF(1U << 20);
    if (c)
        help_command(c, &text);
    else
        help_overview(&text);
    fputs(buf_str(&text), stdout);
    return 0;
}

static int check_count(struct invocation *in)
{
    const struct command *c = in->command;
    if (in->argc < c->min_args)
        return command_usage(in, "wanted %s%d argument%s, found %d", c->max_args == c->min_args ? "" : "at least ",
                             c->min_args, c->min_args == 1 ? "" : "s", in->argc);
    if (c->max_args >= 0 && in->argc > c->max_args)
        return command_usage(in, "wanted at most %d argument%s, found %d (\"%s\" is one too many)", c->max_args,
                             c->max_args == 1 ? "" : "s", in->argc, in->argv[c->max_args]);
    return 0;
}

/* Options before the command, then the command's words. 0, or the exit status to end with; *done when help was printed
 * and nothing is left to do. */
static int take_command(struct parse *p, bool *done)
{
    struct invocation *in = p->in;
    int used = 0;
    while (p->at < p->argc && is_option(p->argv[p->at]))
        if (take_option(p) != 0)
            return 2;
    bool last = p->at == p->argc;
    if (!last && strcmp(p->argv[p->at], "help") == 0 && p->at + 1 == p->argc)
        p->help = last = true;
    if (!last)
        in->command = command_find(p->argc - p->at, p->argv + p->at, &used);
    p->at += in->command ? used : 0;
    *done = !in->command && p->help;
    if (in->command || p->help)
        return *done ? show_help(NULL) : 0;
    return last ? command_usage(in, "no command") : unknown_command(p, used);
}

int cli_run(int argc, char **argv)
{
    const char *home = getenv("AIRLOCK_HOME");
    struct invocation in = {.home = home && *home ? home : "."};
    struct parse p = {.in = &in, .argc = argc, .at = 1, .argv = argv};
    bool done = false;
    int status = take_command(&p, &done);
    if (status != 0 || done)
        return status;
    if (take_arguments(&p) != 0)
        return 2;
    if (p.help)
        return show_help(in.command);
    if (in.quiet)
        log_set_format(LOG_SILENT);
    return check_count(&in) != 0 ? 2 : in.command->run(&in);
}
