#include "ship/artifact.h"

#include <string.h>

#include "util/clock.h"

const char *artifact_predicate_type(enum tuf_role role)
{
    return role == TUF_POLICY ? PREDICATE_PROPOSAL : PREDICATE_ADVISORIES;
}

static int check_times(enum tuf_role role, const struct artifact_times *t, int64_t now_s, struct err *e)
{
    const char *what = tuf_role_name(role);
    if (t->expires_s <= now_s) {
        err_set(e, ERR_DENIED, 0, "the signature of the %s expired at %s, and it is %s", what,
                time_text(t->expires_s).text, time_text(now_s).text);
        return err_hint(e, "Have the station sign it again; if the date is wrong, set the clock");
    }
    if (t->issued_s <= now_s + ARTIFACT_AHEAD_S && t->date_s <= now_s + ARTIFACT_AHEAD_S)
        return 0;
    err_set(e, ERR_DENIED, 0, "the %s is of the future: signed %s, of %s, and it is %s", what,
            time_text(t->issued_s).text, time_text(t->date_s).text, time_text(now_s).text);
    return err_hint(e, "The clock of this machine or of the station is wrong; set it right");
}

int artifact_times(enum tuf_role role, const json_t *predicate, const char *contour, int64_t now_s,
                   struct artifact_times *out, struct err *e)
{
    static const char at[] = "/predicate";
    const char *made_for = json_get_string(predicate, "contour", NULL);
    if (json_need_time(predicate, "issued", at, &out->issued_s, e) < 0 ||
        json_need_time(predicate, "expires", at, &out->expires_s, e) < 0)
        return -1;
    out->date_s = out->issued_s;
    if (role == TUF_ADVISORIES && json_need_time(predicate, "date", at, &out->date_s, e) < 0)
        return -1;
    if (json_object_get(predicate, "contour") && !made_for)
        return err_set(e, ERR_INPUT, 0, "%s/contour: wanted the id of a contour", at);
    if (contour && made_for && strcmp(contour, made_for) != 0)
        return err_set(e, ERR_DENIED, 0, "the %s is signed for the contour of id %.40s, and this is %s",
                       tuf_role_name(role), made_for, contour);
    return check_times(role, out, now_s, e);
}
