#include "parse/markdown.h"

#include <string.h>
#include <strings.h>

/* Of a code span, with its backticks: a longer one is left as it is. */
#define SPAN_MAX 4096U

/* Without case. */
static bool has(struct span s, const char *needle)
{
    size_t len = strlen(needle);
    for (size_t i = 0; i + len <= s.len; i++)
        if (strncasecmp((const char *)s.ptr + i, needle, len) == 0)
            return true;
    return false;
}

struct markdown {
    const char *html_end; /* what ends the block of HTML that the line is in; "": an empty line; NULL: none */
    uint8_t fence;        /* of the code block that the line is in; 0: none */
    size_t fence_len;
    bool tagged; /* the paragraph has HTML: backticks may belong to it */
};

static bool is_blank(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] > ' ')
            return false;
    return true;
}

static struct span unindented(struct span line)
{
    for (int i = 0; i < 3 && line.len && line.ptr[0] == ' '; i++)
        span_skip(&line, 1);
    return line;
}

/* CommonMark 4.6: what a block of HTML that begins with this line ends with; NULL: none begins. */
static const char *html_block_end(struct span line)
{
    static const struct {
        const char *begin, *end;
    } kinds[] = {{"<pre", "</pre>"},     {"<script", "</script>"},
                 {"<style", "</style>"}, {"<textarea", "</textarea>"},
                 {"<!--", "-->"},        {"<?", "?>"},
                 {"<![CDATA[", "]]>"},   {"<!", ">"}};
    struct span s = unindented(line);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (s.len >= strlen(kinds[i].begin) &&
            strncasecmp((const char *)s.ptr, kinds[i].begin, strlen(kinds[i].begin)) == 0)
            return kinds[i].end;
    return s.len > 1 && s.ptr[0] == '<' ? "" : NULL;
}

/* CommonMark 4.5. */
static size_t fence_of(struct span line, uint8_t *mark)
{
    struct span s = unindented(line);
    size_t n = 0;
    if (s.len < 3 || (s.ptr[0] != '`' && s.ptr[0] != '~'))
        return 0;
    *mark = s.ptr[0];
    while (n < s.len && s.ptr[n] == *mark)
        n++;
    return n;
}

static void blank(uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (from[i] != '\n')
            from[i] = ' ';
}

/* Code between backticks (CommonMark 6.1) within one line, as long as no tag stands before it in the paragraph. */
static void blank_spans(struct markdown *m, uint8_t *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '<')
            m->tagged = true;
        if (line[i] == '\\') {
            i++;
            continue;
        }
        if (line[i] != '`' || m->tagged)
            continue;
        size_t n = 0, end;
        while (i + n < len && line[i + n] == '`')
            n++;
        for (end = i + n; end < len && end - i < SPAN_MAX; end++) {
            size_t k = 0;
            while (end + k < len && line[end + k] == '`')
                k++;
            if (k == n)
                break;
            end += k;
        }
        bool closed = end < len && end - i < SPAN_MAX;
        if (closed)
            blank(line + i, end + n - i);
        i = closed ? end + n - 1 : i + n - 1;
    }
}

static void blank_line(struct markdown *m, uint8_t *text, size_t len)
{
    struct span line = span_of(text, len);
    uint8_t mark = 0;
    size_t n = fence_of(line, &mark);
    if (m->fence) {
        struct span s = unindented(line);
        bool closes = mark == m->fence && n >= m->fence_len && span_skip(&s, n) && is_blank(s);
        m->fence = closes ? 0 : m->fence;
        blank(text, len);
        return;
    }
    if (is_blank(line)) {
        m->tagged = false;
        if (m->html_end && m->html_end[0] == '\0')
            m->html_end = NULL;
        return;
    }
    if (!m->html_end)
        m->html_end = html_block_end(line);
    if (m->html_end) {
        if (m->html_end[0] && has(line, m->html_end))
            m->html_end = NULL;
        m->tagged = true;
    } else if (n >= 3 && (mark == '~' ||
                          !memchr(line.ptr + (line.len - unindented(line).len) + n, '`', unindented(line).len - n))) {
        m->fence = mark;
        m->fence_len = n;
        blank(text, len);
    } else {
        blank_spans(m, text, len);
    }
}

void markdown_without_code(struct span file, struct buf *out)
{
    struct markdown m = {0};
    buf_add_span(out, file);
    if (!buf_ok(out) || file.len == 0)
        return;
    for (size_t at = 0; at < out->len;) {
        uint8_t *line = out->ptr + at;
        const uint8_t *end = memchr(line, '\n', out->len - at);
        size_t len = end ? (size_t)(end - line) : out->len - at;
        blank_line(&m, line, len);
        at += len + 1;
    }
}
