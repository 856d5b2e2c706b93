/* JUnit XML, as continuous-integration servers read it: one test case for the question, one for each recorder. An
 * attempt is a failure; a recorder asleep is an error. */
#include <stdio.h>

#include "silence/phrase.h"
#include "silence/silence.h"

/* XML 1.0, section 2.2: control characters cannot be written at all; they are gone already (clean_text). */
static void escape(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            buf_add_str(out, "&amp;");
        else if (*text == '<')
            buf_add_str(out, "&lt;");
        else if (*text == '>')
            buf_add_str(out, "&gt;");
        else if (*text == '"')
            buf_add_str(out, "&quot;");
        else
            buf_add_byte(out, (unsigned char)*text >= 0x20 ? (uint8_t)*text : (uint8_t)' ');
    }
}

static void add_attempt(struct buf *out, const struct silence_attempt *a)
{
    auto_buf phrase = BUF(1024);
    silence_phrase(&phrase, a);
    escape(out, a->program);
    buf_add_str(out, " ");
    escape(out, buf_str(&phrase));
    buf_printf(out, ", %llu time%s; pid %d, %s, after %lld ms: ", (unsigned long long)a->count,
               a->count == 1 ? "" : "s", (int)a->pid, a->phase, (long long)a->first_ms);
    escape(out, a->command);
    buf_add_str(out, "\n");
}

/* One failure that lists all attempts: many readers keep only the first of a test case. */
static void add_question(struct buf *out, const struct silence_result *r)
{
    const char *kind = r->count > 0 ? "failure" : "error";
    buf_printf(out, "    <testcase classname=\"airlock.silence\" name=\"nothing tries to leave\" time=\"%.3f\">\n",
               (double)r->run_ms / 1000.0);
    if (r->verdict != SILENCE_PASSED) {
        buf_printf(out, "      <%s type=\"%s\" message=\"", kind, r->count > 0 ? "attempt" : "inconclusive");
        escape(out, r->reason);
        buf_add_str(out, "\">");
        for (size_t i = 0; i < r->count; i++)
            add_attempt(out, &r->attempts[i]);
        buf_printf(out, "</%s>\n", kind);
    }
    buf_add_str(out, "    </testcase>\n");
}

static void add_recorder(struct buf *out, const struct silence_recorder *one)
{
    buf_printf(out, "    <testcase classname=\"airlock.silence\" name=\"recorder %s is awake\" time=\"0\"", one->name);
    if (one->awake) {
        buf_add_str(out, "/>\n");
        return;
    }
    buf_add_str(out, ">\n      <error type=\"asleep\" message=\"");
    escape(out, one->detail);
    buf_add_str(out, "\"/>\n    </testcase>\n");
}

void silence_junit(struct buf *out, const struct silence_result *r, const char *what)
{
    unsigned errors = r->count == 0 && r->verdict != SILENCE_PASSED;
    for (size_t i = 0; i < SILENCE_RECORDERS; i++)
        errors += !r->recorders[i].awake;
    buf_add_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"silence: ");
    escape(out, what);
    buf_printf(out, "\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"0\" time=\"%.3f\">\n",
               1 + SILENCE_RECORDERS, r->count > 0 ? 1U : 0U, errors, (double)r->run_ms / 1000.0);
    add_question(out, r);
    for (size_t i = 0; i < SILENCE_RECORDERS; i++)
        add_recorder(out, &r->recorders[i]);
    buf_add_str(out, "  </testsuite>\n</testsuites>\n");
}
