#include "cli/policy_text.h"

#include <fcntl.h>
#include <unistd.h>

#include "contour/ref.h"
#include "gate/policy_proposal.h"
#include "util/file.h"

static int of_shipment(struct site *s, uint64_t number, struct buf *out, struct err *e)
{
    auto_policy_proposal p = {0};
    if (policy_proposal_get(s, number, &p, e) < 0)
        return -1;
    buf_add_str(out, p.text);
    return buf_check(out, "the policy", e);
}

int policy_text(struct invocation *in, struct site *site, const char *name, struct buf *out, struct err *e)
{
    uint64_t number;
    if (!ref_is_shipment(name, &number) || access(name, F_OK) == 0)
        return file_read(AT_FDCWD, name, out, e);
    if (site)
        return of_shipment(site, number, out, e);
    auto_site s = command_site(in, SITE_CONTOUR, e);
    return s ? of_shipment(s, number, out, e) : -1;
}
