#include "parse/document.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "parse/sniff.h"
#include "util/auto.h"

/* Names of actions are shorter. */
#define NAME_CHARS 32U

/* ── PDF (ISO 32000-1) ── */

static const struct {
    const char *name, *does;
} ACTIVE[] = {
    {"JavaScript", "runs JavaScript"},
    {"JS", "runs JavaScript"},
    {"Launch", "starts programs"},
    {"EmbeddedFile", "carries other files"},
    {"EmbeddedFiles", "carries other files"},
    {"RichMedia", "carries programs that play in it"},
    {"GoToR", "leads to other files"},
    {"XFA", "holds a form that computes"},
};

static int hex_digit(uint8_t c)
{
    return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* A name behind its slash (7.3.5): up to white space or a delimiter, #xx is a character. */
static void take_name(struct span *s, char out[NAME_CHARS + 1])
{
    size_t len = 0;
    uint8_t c;
    while (s->len > 0 && !strchr("()<>[]{}/%", s->ptr[0]) && !isspace(s->ptr[0]) && s->ptr[0] != 0 &&
           len < NAME_CHARS) {
        span_take_u8(s, &c);
        int high = c == '#' && s->len >= 2 ? hex_digit(s->ptr[0]) : -1, low = high >= 0 ? hex_digit(s->ptr[1]) : -1;
        if (low >= 0) {
            c = (uint8_t)(high << 4 | low);
            span_skip(s, 2);
        }
        out[len++] = (char)c;
    }
    out[len] = '\0';
}

static void check_pdf(struct span file, struct report *r)
{
    bool said[ARRAY_LEN(ACTIVE)] = {false};
    struct span rest = file;
    const uint8_t *slash;
    while ((slash = memchr(rest.ptr, '/', rest.len))) {
        char name[NAME_CHARS + 1], at[32];
        size_t place = (size_t)(slash - file.ptr);
        span_skip(&rest, (size_t)(slash - rest.ptr) + 1);
        take_name(&rest, name);
        for (size_t i = 0; i < ARRAY_LEN(ACTIVE); i++) {
            if (said[i] || strcmp(name, ACTIVE[i].name) != 0)
                continue;
            said[i] = true;
            snprintf(at, sizeof at, "byte %zu", place);
            report_finding(r, SEVERITY_MEDIUM, "document-active", at, "a PDF document that %s (/%s)", ACTIVE[i].does,
                           name);
        }
    }
}

/* ── compound files ([MS-CFB]): names of their directory are UTF-16 ── */

#define SPAN_CONST(text)                           \
    {                                              \
        (const uint8_t *)(text), sizeof(text) - 1, \
    }

static void check_compound(struct span file, struct report *r)
{
    static const struct {
        struct span wide;
        const char *what;
    } names[] = {
        {SPAN_CONST("_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0"), "macros (_VBA_PROJECT)"},
        {SPAN_CONST("M\0a\0c\0r\0o\0s\0"), "macros (Macros)"},
        {SPAN_CONST("\1\0O\0l\0e\0"
                    "1\0"
                    "0\0N\0a\0t\0i\0v\0e\0"),
         "an embedded object (Ole10Native)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (memmem(file.ptr, file.len, names[i].wide.ptr, names[i].wide.len))
            report_finding(r, SEVERITY_MEDIUM, "document-active", "", "a document with %s", names[i].what);
}

static void check_rtf(struct span file, struct report *r)
{
    if (memmem(file.ptr, file.len, "\\objdata", 8) || memmem(file.ptr, file.len, "\\objupdate", 10))
        report_finding(r, SEVERITY_MEDIUM, "document-active", "", "an RTF document with an embedded object");
}

/* ── any of them ── */

void document_check(struct span file, struct report *r)
{
    const char *what = "a document";
    if (span_starts(file, SPAN_LIT("%PDF"))) {
        what = "a PDF document";
        check_pdf(file, r);
    } else if (span_starts(file, SPAN_LIT("\xd0\xcf\x11\xe0"))) {
        what = "a compound file, as Office documents and installers are,";
        check_compound(file, r);
    } else if (span_starts(file, SPAN_LIT("{\\rtf"))) {
        what = "an RTF document";
        check_rtf(file, r);
    } else if (span_starts(file, SPAN_LIT("%!PS"))) {
        what = "a PostScript program";
    } else if (span_starts(file, SPAN_LIT("ITSF"))) {
        what = "a help file with programs in it";
    }
    report_not_scanned(r, "no-scanner", "", "%s: no scanner understands it to its end; take its text instead", what);
}

bool document_is_zip(const struct zip *z)
{
    return zip_find(z, "[Content_Types].xml") || (zip_find(z, "mimetype") && zip_find(z, "META-INF/manifest.xml"));
}

bool document_owns(const char *path)
{
    struct span p = span_str(path);
    return span_ends(p, SPAN_LIT(".xml")) || span_ends(p, SPAN_LIT(".rels")) || span_ends(p, SPAN_LIT(".rdf"));
}

void document_zip_check(const struct zip *z, struct report *r)
{
    for (size_t i = 0; i < z->count; i++) {
        struct span path = span_str(z->members[i].path);
        if (span_ends(path, SPAN_LIT("vbaProject.bin")) || span_starts(path, SPAN_LIT("Basic/")) ||
            span_starts(path, SPAN_LIT("Scripts/")))
            report_finding(r, SEVERITY_MEDIUM, "document-active", z->members[i].path, "a document with macros");
    }
    report_not_scanned(r, "no-scanner", "",
                       "an Office document: no scanner understands it to its end; take its text instead");
}
