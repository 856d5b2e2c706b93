#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

static void print_command(const struct command *c)
{
    printf("    '%s') options='", c->name);
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->options[i].name; i++)
        printf("--%s ", c->options[i].name);
    printf("--help' ;;\n");
}

/* The longest run of words that names a command decides which options are offered. */
static void print_bash(void)
{
    puts("# Completion of airlock for bash:  source <(airlock completion bash)\n"
         "_airlock() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} options='' name='' i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in --home) ((i++)) ;; -*) ;; *) name=\"${name:+$name }${COMP_WORDS[i]}\" ;; esac\n"
         "  done\n"
         "  while :; do\n"
         "    case $name in");
    for (const struct command *const *c = COMMANDS; *c; c++)
        print_command(*c);
    printf("    '') options='--home --json --quiet --verbose --help ");
    for (const struct command *const *c = COMMANDS; *c; c++)
        printf("%.*s ", (int)strcspn((*c)->name, " "), (*c)->name);
    puts("' ;;\n"
         "    esac\n"
         "    [[ -n $options || -z $name ]] && break\n"
         "    [[ $name == *' '* ]] && name=${name% *} || name=''\n"
         "  done\n"
         "  if [[ $word == -* || -z $name ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -F _airlock airlock");
}

static int run(struct invocation *in)
{
    if (strcmp(in->argv[0], "bash") != 0)
        return command_usage(in, "wanted bash, found \"%.32s\"", in->argv[0]);
    print_bash();
    return 0;
}

const struct command CMD_COMPLETION = {
    .name = "completion",
    .usage = "bash",
    .summary = "print the shell's completion rules",
    .detail = "Use it with: source <(airlock completion bash)",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
