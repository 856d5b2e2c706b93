#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/with_release.h"
#include "gate/waiver.h"
#include "util/clock.h"

/* "2027-01-31", to its end or from its beginning, or the whole form with a time. */
static bool read_date(const char *text, bool end, int64_t *out)
{
    char whole[TIME_TEXT_SIZE];
    if (strlen(text) == 10) {
        snprintf(whole, sizeof whole, "%sT%s", text, end ? "23:59:59Z" : "00:00:00Z");
        return time_parse(span_str(whole), out);
    }
    return time_parse(span_str(text), out);
}

static void put_answer(const struct with_release *w, const struct waiver_wish *wish, const struct waiver_made *made)
{
    const struct objection *o = &made->objection;
    struct json_out j;
    auto_buf out = BUF(65536);
    command_json(&j, &out, "waiver");
    json_put_string(&j, "release", w->name);
    json_put_digest(&j, "digest", &w->row.digest);
    json_put_string(&j, "finding", o->id);
    json_put_string(&j, "place", o->place);
    json_put_string(&j, "decision", wish->withdraw ? "WITHDRAW" : "WAIVE");
    if (wish->environment)
        json_put_string(&j, "environment", wish->environment);
    if (!wish->withdraw)
        json_put_time(&j, "until", made->until_s);
    json_put_string(&j, "actor", w->site->actor);
    json_put_uint(&j, "people", made->people);
    json_put_digest(&j, "evidence", &made->id);
    command_json_end(&j);
}

static void say_answer(const struct with_release *w, const struct waiver_wish *wish, const struct waiver_made *made)
{
    const struct objection *o = &made->objection;
    if (wish->withdraw) {
        printf("%s took back the waiver of %s at %s\n", w->site->actor, o->id, o->place);
        return;
    }
    printf("%s waived %s at %s of %s, until %s\n  waiver %s\n", w->site->actor, o->id, o->place, w->name,
           time_text(made->until_s).text, digest_text(&made->id).text);
    if (made->people < 2)
        printf("It does not count yet: a second person signs the same, one of the two a security officer.\n");
    else
        printf("%u people have signed. `airlock judge` decides with it.\n", made->people);
}

static int check_options(struct invocation *in, struct waiver_wish *wish)
{
    const char *until = option_get(in, "until"), *from = option_get(in, "from");
    if (wish->environment && !environment_known(wish->environment))
        return command_usage(in, "--for: found \"%.32s\"; wanted sandbox, test or prod", wish->environment);
    if (wish->withdraw)
        return 0;
    if (!until || !read_date(until, true, &wish->until_s))
        return command_usage(in, "--until wants the last day, such as 2027-01-31, or a time such as "
                                 "2027-01-31T12:00:00Z");
    if (from && !read_date(from, false, &wish->from_s))
        return command_usage(in, "--from wants a day such as 2027-01-01, or a time such as 2027-01-01T12:00:00Z");
    if (!wish->compensation || !wish->compensation[0])
        return command_usage(in, "--compensation says what is done in the place of the mend");
    if (!wish->ticket || !wish->ticket[0])
        return command_usage(in, "--ticket names where the mend is followed");
    return 0;
}

static int run(struct invocation *in)
{
    struct err e = {0};
    struct waiver_made made;
    struct waiver_wish wish = {.finding = in->argv[0],
                               .place = option_get(in, "at"),
                               .environment = option_get(in, "for"),
                               .compensation = option_get(in, "compensation"),
                               .ticket = option_get(in, "ticket"),
                               .withdraw = option_given(in, "withdraw")};
    const char *ref = option_get(in, "on");
    if (!ref)
        return command_usage(in, "--on REF names the release");
    int wrong = check_options(in, &wish);
    if (wrong)
        return wrong;
    auto_with_release w = {0};
    auto_objections all = {0};
    auto_private_key key = NULL;
    if (with_release_open(in, ref, &w, &e) < 0 || !(key = person_key(in, &e)) ||
        waiver_make(w.site, w.release, &wish, key, &all, &made, &e) < 0)
        return command_fail(in, &e);
    if (in->json)
        put_answer(&w, &wish, &made);
    else
        say_answer(&w, &wish, &made);
    return 0;
}

const struct command CMD_WAIVE = {
    .name = "waive",
    .usage = "FINDING --on REF --until DATE --compensation TEXT --ticket TEXT --key FILE",
    .summary = "sign, as one person, that a finding may pass for a time",
    .detail = "FINDING is the rule of a scan's finding, or an advisory by its id or an alias. A waiver holds for that "
              "finding on that file's digest, or that advisory on that package, in this release alone, and counts "
              "once two people have signed it, one of them a security officer and the other one too or a product "
              "owner; it ends when the first of their two dates is over. The gates look at it at every promotion and "
              "every start of an engine. What was not scanned can never be waived, and nothing critical in prod. "
              "`policy.yaml` says how long a waiver may last, when its end is announced, and whether a running engine "
              "ends with it.",
    .options = {{"on", "REF", "the release", false},
                {"until", "DATE", "the last day on which it holds, such as 2027-01-31", false},
                {"from", "DATE", "the first day (default: now)", false},
                {"at", "PATH", "the file's path in the release, or the package's purl, where there are several", false},
                {"for", "ENV", "in this environment alone", false},
                {"compensation", "TEXT", "what is done in the place of the mend", false},
                {"ticket", "TEXT", "where the mend is followed", false},
                {"withdraw", NULL, "take this person's waiver back", false},
                {"key", "FILE", "the person's private key", false},
                {"passphrase-file", "FILE", "unseals it", false}},
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
