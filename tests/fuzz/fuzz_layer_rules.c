#include "fuzz.h"

#include <string.h>
#include <sys/stat.h>

#include "parse/layer_rules.h"

/* Kind, mode, device and whether somebody vouches; the path up to a line feed; as many bytes of a capability as the
 * next one says; then the file. */
static void look(struct span input, struct report *r)
{
    static const mode_t kinds[] = {S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK, S_IFREG};
    struct layer_member m = {0};
    struct span path, capability;
    uint8_t kind, len;
    uint16_t mode;
    char text[512] = {0};
    if (!span_take_u8(&input, &kind) || !span_take_le16(&input, &mode) || !span_take_until(&input, '\n', &path) ||
        path.len >= sizeof text || !span_take_u8(&input, &len) ||
        !span_take(&input, len % (sizeof m.capability + 1), &capability))
        return;
    if (path.len)
        memcpy(text, path.ptr, path.len);
    m.path = text;
    m.type = kinds[kind & 7];
    m.mode = mode & 07777;
    m.layer = kind & 8;
    m.vouched = kind & 16;
    m.major = kind >> 5;
    m.minor = len & 15;
    m.capability_len = capability.len;
    if (capability.len)
        memcpy(m.capability, capability.ptr, capability.len);
    layer_member_check(&m, input, r);
}

FUZZ_READER(look(input, &r))
