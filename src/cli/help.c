/* Help and man pages, made of the command tables, so that they cannot disagree with the parser. */
#include <string.h>

#include "cli/cli.h"
#include "version.h"

#define HELP_COLUMNS 100U

static const struct option COMMON[] = {
    {"home", "DIR", "the contour's or station's folder (else AIRLOCK_HOME, else the working directory)", false},
    {"json", NULL, "print one JSON document on stdout", false},
    {"quiet", NULL, "no progress, no remarks", false},
    {"verbose", NULL, "say more", false},
    {"help", NULL, "print this and end", false},
};

static const char EXIT_STATUS[] =
    ".SH EXIT STATUS\n0 done, or the answer is yes; 1 the answer is no, with the reasons on standard output; 2 wrong "
    "usage;\n3 the input "
    "cannot be worked on; 4 not found; 5 not allowed; 6 cannot be decided; 7 the system failed.\n";

static void option_line(struct buf *out, const struct option *o)
{
    auto_buf head = BUF(256);
    buf_printf(&head, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    buf_printf(out, "  %-26s %s%s\n", buf_str(&head), o->help, o->repeated ? " (may be repeated)" : "");
}

/* Letters, not bytes: those of UTF-8 that go on with one are not counted. */
static size_t width(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xc0U) != 0x80U;
    return n;
}

/* Words in lines of at most HELP_COLUMNS. One newline in the text is a space, an empty line ends a paragraph. */
static void wrapped(struct buf *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t gap = strspn(text, " \n"), len = strcspn(text + gap, " \n");
        bool paragraph = memmem(text, gap, "\n\n", 2) != NULL;
        if (len == 0)
            break;
        size_t wide = width(text + gap, len);
        if (column > 0 && (paragraph || column + 1 + wide > HELP_COLUMNS)) {
            buf_add_str(out, paragraph ? "\n\n" : "\n");
            column = 0;
        } else if (column > 0) {
            buf_add_str(out, " ");
            column++;
        }
        buf_add(out, text + gap, len);
        column += wide;
        text += gap + len;
    }
    buf_add_str(out, "\n");
}

void help_overview(struct buf *out)
{
    buf_add_str(out, "airlock " AIRLOCK_VERSION
                     ": carries models over the gap into a network with no internet, and proves what runs there\n\n"
                     "  airlock [--home DIR] [--json] [--quiet|--verbose] COMMAND [ARGUMENTS]\n\n");
    for (const struct command *const *c = COMMANDS; *c; c++)
        buf_printf(out, "  %-22s %s\n", (*c)->name, (*c)->summary);
    buf_add_str(out,
                "\n`airlock help COMMAND` (or `airlock COMMAND --help`) explains a command; `airlock --version` says "
                "which this is.\n"
                "Exit status: 0 done or yes, 1 no (reasons on stdout), 2 wrong usage, 3 input cannot be worked on,\n"
                "4 not found, 5 not allowed, 6 cannot be decided, 7 the system failed.\n");
}

void help_group(const char *group, struct buf *out)
{
    size_t len = strlen(group);
    buf_printf(out, "airlock %s: a group of commands\n\n", group);
    for (const struct command *const *c = COMMANDS; *c; c++)
        if (strncmp((*c)->name, group, len) == 0 && (*c)->name[len] == ' ')
            buf_printf(out, "  %-22s %s\n", (*c)->name, (*c)->summary);
    buf_add_str(out, "\n`airlock help COMMAND` explains one of them.\n");
}

static bool has_usage(const struct command *c)
{
    return c->usage && *c->usage;
}

static bool has_options(const struct command *c)
{
    return c->options[0].name != NULL;
}

void help_command(const struct command *c, struct buf *out)
{
    buf_printf(out, "airlock %s: %s\n\n  airlock %s%s%s%s\n", c->name, c->summary, c->name,
               has_options(c) ? " [OPTIONS]" : "", has_usage(c) ? " " : "", has_usage(c) ? c->usage : "");
    if (c->detail) {
        buf_add_str(out, "\n");
        wrapped(out, c->detail);
    }
    buf_add_str(out, "\nOptions:\n");
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->options[i].name; i++)
        option_line(out, &c->options[i]);
    for (size_t i = 0; i < ARRAY_LEN(COMMON); i++)
        option_line(out, &COMMON[i]);
}

/* Text for roff: backslashes, and points or quotes that begin a line, are escaped. */
static void roff_text(struct buf *out, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            buf_add_str(out, "\\&");
        if (*text == '\\')
            buf_add_str(out, "\\e");
        else if (*text == '-')
            buf_add_str(out, "\\-");
        else
            buf_add_byte(out, (uint8_t)*text);
        line_start = *text == '\n';
    }
}

static void man_option(struct buf *out, const struct option *o)
{
    buf_printf(out, ".TP\n\\fB\\-\\-");
    roff_text(out, o->name);
    buf_printf(out, "\\fR%s\\fI%s\\fR\n", o->value ? " " : "", o->value ? o->value : "");
    roff_text(out, o->help);
    buf_printf(out, "%s.\n", o->repeated ? " (may be repeated)" : "");
}

static void man_title(struct buf *out, const struct command *c)
{
    auto_buf title = BUF(256);
    buf_printf(&title, "airlock-%s", c->name);
    for (size_t i = 0; i < title.len; i++)
        if (title.ptr[i] == ' ')
            title.ptr[i] = '-';
    buf_printf(out, ".TH \"%s\" 1 \"\" \"airlock " AIRLOCK_VERSION "\" \"Airlock\"\n.SH NAME\n", buf_str(&title));
    roff_text(out, buf_str(&title));
    buf_add_str(out, " \\- ");
    roff_text(out, c->summary);
}

void help_man_page(const struct command *c, struct buf *out)
{
    man_title(out, c);
    buf_printf(out, "\n.SH SYNOPSIS\n\\fBairlock %s\\fR%s%s", c->name, has_options(c) ? " [\\fIOPTIONS\\fR]" : "",
               has_usage(c) ? " " : "");
    roff_text(out, has_usage(c) ? c->usage : "");
    buf_add_str(out, "\n");
    if (c->detail) {
        buf_add_str(out, ".SH DESCRIPTION\n");
        roff_text(out, c->detail);
        buf_add_str(out, "\n");
    }
    buf_add_str(out, ".SH OPTIONS\n");
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->options[i].name; i++)
        man_option(out, &c->options[i]);
    for (size_t i = 0; i < ARRAY_LEN(COMMON); i++)
        man_option(out, &COMMON[i]);
    buf_add_str(out, EXIT_STATUS);
    buf_add_str(out, ".SH SEE ALSO\n\\fBairlock\\fR(1)\n");
}

void help_man_overview(struct buf *out)
{
    buf_add_str(
        out,
        ".TH \"airlock\" 1 \"\" \"airlock " AIRLOCK_VERSION "\" \"Airlock\"\n.SH NAME\nairlock \\- carries models over "
        "the gap into a network with no internet, and proves what runs there\n.SH SYNOPSIS\n\\fBairlock\\fR "
        "[\\-\\-home \\fIDIR\\fR] [\\-\\-json] [\\-\\-quiet|\\-\\-verbose] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
        ".SH COMMANDS\n");
    for (const struct command *const *c = COMMANDS; *c; c++) {
        buf_add_str(out, ".TP\n\\fB");
        roff_text(out, (*c)->name);
        buf_add_str(out, "\\fR\n");
        roff_text(out, (*c)->summary);
        buf_add_str(out, ".\n");
    }
    buf_add_str(out, EXIT_STATUS);
}
