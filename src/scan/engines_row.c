/* What the engines said of a file, as findings of its row. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "scan/internal.h"

/* ClamAV's names for what somebody might not want, or what only looks so; all others are names of malware. */
static bool is_guess(const char *name)
{
    return strncmp(name, "PUA.", 4) == 0 || strncmp(name, "Heuristics.", 11) == 0;
}

/* "clamav:Win.Test.EICAR_HDB-1": letters that a rule's name does not have become "_". */
static void rule_of(const char *name, char *out, size_t size)
{
    snprintf(out, size, "clamav:%.180s", name);
    for (char *c = out; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(":._-", *c))
            *c = '_';
}

static void found(struct scan_report *out, struct scan_file *f, const char *name)
{
    char rule[200], text[600];
    rule_of(name, rule, sizeof rule);
    snprintf(text, sizeof text, "ClamAV finds %.500s", name);
    scan_add_finding(out, f, is_guess(name) ? SEVERITY_HIGH : SEVERITY_CRITICAL, rule, text);
}

/* An answer that is none of ours stands for none. */
void scan_take_engines(struct scan_report *out, struct scan_file *f)
{
    const char *name;
    json_t *one;
    json_object_foreach(json_object_get(f->reply, "engines"), name, one)
    {
        const char *answer = json_get_string(one, "answer", ""), *text = json_get_string(one, "text", "");
        char rule[64];
        snprintf(rule, sizeof rule, "%.40s-not-looked", name);
        if (strcmp(answer, "found") == 0)
            found(out, f, text);
        else if (strcmp(answer, "ok") != 0)
            scan_add_not_scanned(out, f, rule, text[0] ? text : "no answer");
    }
}
