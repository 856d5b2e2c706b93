/* argv → invocation. Options may stand anywhere behind the command's words; `--` ends them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "util/log.h"

static const struct option GLOBAL_OPTIONS[] = {
    {"home", "DIR", "the contour's or station's folder (else AIRLOCK_HOME, else the working directory)", false},
    {"json", NULL, "print one JSON document", false},
    {"quiet", NULL, "no progress, no remarks", false},
    {"verbose", NULL, "say more", false},
    {"help", NULL, "explain", false},
    {"version", NULL, "print the version", false},
};

struct parse {
    struct invocation *in;
    int argc, at;
    char **argv;
    bool help, version;
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
    else if (strcmp(o->name, "version") == 0)
        p->version = true;
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

static int unknown_option(struct parse *p, const char *name, size_t len)
{
    const char *near = NULL;
    if (p->in->command)
        near = option_nearest(p->in->command->options, COMMAND_OPTIONS_MAX, name, len);
    if (!near)
        near = option_nearest(GLOBAL_OPTIONS, ARRAY_LEN(GLOBAL_OPTIONS), name, len);
    return command_usage(p->in, "unknown option --%.*s%s%s", (int)len, name, near ? "; the nearest is --" : "",
                         near ? near : "");
}

/* Takes the option at p->at, and its value if it has one. */
static int take_option(struct parse *p)
{
    const char *word = p->argv[p->at++], *name = strcmp(word, "-h") == 0 ? "help" : word + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *global = find_option(GLOBAL_OPTIONS, ARRAY_LEN(GLOBAL_OPTIONS), name, len);
    const struct option *o = global;
    if (!o && p->in->command)
        o = find_option(p->in->command->options, COMMAND_OPTIONS_MAX, name, len);
    if (!o)
        return unknown_option(p, name, len);
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
    return (word[0] == '-' && word[1] == '-' && word[2] != '\0') || strcmp(word, "-h") == 0;
}

static int show_group(const char *group)
{
    auto_buf text = BUF(1U << 20);
    help_group(group, &text);
    fputs(buf_str(&text), stdout);
    return 0;
}

static bool asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* `used` words name a group, "trust"; the next one, if there is one, is none of its commands. */
static int group_of_commands(struct parse *p, int used)
{
    char **words = p->argv + p->at;
    auto_buf group = BUF(4096), list = BUF(4096);
    for (int i = 0; i < used; i++)
        buf_printf(&group, "%s%s", i ? " " : "", words[i]);
    (void)command_group(used, words, &list);
    const char *next = p->at + used < p->argc ? words[used] : NULL;
    if (next ? asks_help(next) : p->help)
        return show_group(buf_str(&group));
    if (next && is_option(next))
        next = NULL;
    const char *near = next ? command_nearest(buf_str(&group), next) : NULL;
    if (!next)
        return command_usage(p->in, "\"%s\" is a group of commands; wanted one of: %s", buf_str(&group),
                             buf_str(&list));
    return command_usage(p->in, "no command \"%s %s\"%s%s%s; wanted one of: %s", buf_str(&group), next,
                         near ? "; the nearest is \"" : "", near ? near : "", near ? "\"" : "", buf_str(&list));
}

static int unknown_command(struct parse *p, int used)
{
    const char *word = p->argv[p->at];
    if (used > 0)
        return group_of_commands(p, used);
    const char *near = command_nearest(NULL, word);
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
    if (!last && strcmp(p->argv[p->at], "help") == 0) {
        p->help = true;
        last = ++p->at == p->argc;
    }
    if (p->version)
        in->command = &CMD_VERSION;
    else if (!last)
        in->command = command_find(p->argc - p->at, p->argv + p->at, &used);
    p->at += in->command ? used : 0;
    if (in->command)
        return 0;
    *done = true;
    if (last)
        return p->help ? show_help(NULL) : command_usage(in, "no command; `airlock --help` lists them");
    return unknown_command(p, used);
}

/* Whoever asks for JSON anywhere gets it, an error in an earlier word included. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* --home, else AIRLOCK_HOME, else the working directory. A name that is there and empty is a variable that was not set
 * where somebody meant it to be, and must not come to mean the working directory. */
static int choose_home(struct invocation *in)
{
    const char *variable = getenv("AIRLOCK_HOME");
    if (in->home && !*in->home)
        return command_usage(in, "--home is empty; wanted the contour's or station's folder");
    if (!in->home && variable && !*variable)
        return command_usage(
            in, "AIRLOCK_HOME is set, and empty; set it to the contour's or station's folder, or unset it");
    if (!in->home)
        in->home = variable ? variable : ".";
    return 0;
}

int cli_run(int argc, char **argv)
{
    struct invocation in = {.json = wants_json(argc, argv)};
    struct parse p = {.in = &in, .argc = argc, .at = 1, .argv = argv};
    bool done = false;
    int status = take_command(&p, &done);
    if (status != 0 || done)
        return status;
    if (take_arguments(&p) != 0)
        return 2;
    if (p.help)
        return show_help(in.command);
    if (p.version) {
        in.command = &CMD_VERSION;
        in.argc = 0;
    }
    if (in.quiet)
        log_set_format(LOG_SILENT);
    return (!p.version && choose_home(&in) != 0) || check_count(&in) != 0 ? 2 : in.command->run(&in);
}
