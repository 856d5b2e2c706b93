/* Three parts: a driver that serves the library from a span; the walk over links and objects; the attributes in which
 * Keras describes a model. The library's own messages are not wanted: what it cannot read is a finding of ours. */
#include "parse/hdf5.h"

#include <hdf5.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "parse/keras.h"

#define LIMIT_HDF5_TEXT (32U << 20)

/* ── the driver ── */

/* The library holds it as an H5FD_t, which it begins with. */
struct memory_file {
    H5FD_t head;
    struct span bytes; /* borrowed */
    haddr_t end;       /* of what the file says it uses */
};

/* What the next open reads, and how far the file said to reach: the library hands nothing but a name through. */
static struct span opening;
static haddr_t used;

static H5FD_t *memory_open(const char *name, unsigned flags, hid_t fapl, haddr_t maxaddr)
{
    (void)name;
    (void)fapl;
    (void)maxaddr;
    struct memory_file *m =
        flags & (H5F_ACC_RDWR | H5F_ACC_CREAT | H5F_ACC_TRUNC) || !opening.ptr ? NULL : calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->bytes = opening;
    opening.ptr = NULL; /* one open for each file: a link to another one opens nothing */
    return &m->head;
}

static herr_t memory_close(H5FD_t *file)
{
    free(file);
    return 0;
}

static herr_t memory_query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = 0;
    return 0;
}

static haddr_t memory_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct memory_file *)file)->end;
}

static herr_t memory_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t addr)
{
    (void)type;
    ((struct memory_file *)file)->end = used = addr;
    return 0;
}

static haddr_t memory_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct memory_file *)file)->bytes.len;
}

static herr_t memory_read(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t size, void *buffer)
{
    struct span part;
    (void)type;
    (void)dxpl;
    if (!span_slice(((struct memory_file *)file)->bytes, addr, size, &part))
        return -1;
    if (size)
        memcpy(buffer, part.ptr, size);
    return 0;
}

static herr_t memory_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t addr, size_t size, const void *buffer)
{
    (void)file;
    (void)type;
    (void)dxpl;
    (void)addr;
    (void)size;
    (void)buffer;
    return -1;
}

static const H5FD_class_t MEMORY = {
    .name = "memory",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .open = memory_open,
    .close = memory_close,
    .query = memory_query,
    .get_eoa = memory_get_eoa,
    .set_eoa = memory_set_eoa,
    .get_eof = memory_get_eof,
    .read = memory_read,
    .write = memory_write,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* Access properties with our driver; -1 when the library cannot be had. */
static hid_t memory_access(void)
{
    static hid_t driver = -1;
    if (driver < 0) {
        H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
        H5PLset_loading_state(0);
        driver = H5FDregister(&MEMORY);
    }
    hid_t access = driver < 0 ? -1 : H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_driver(access, driver, NULL) < 0) {
        H5Pclose(access);
        return -1;
    }
    return access;
}

/* ── the walk ── */

struct walk {
    struct report *r;
    uint64_t links, groups, datasets;
    const char *at; /* of the object at hand */
};

static int too_many(struct walk *w)
{
    return report_not_scanned(w->r, "hdf5-objects", "", "more than %u groups, datasets and links", LIMIT_HDF5_OBJECTS);
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *arg)
{
    struct walk *w = arg;
    (void)group;
    if (++w->links > LIMIT_HDF5_OBJECTS)
        return too_many(w);
    if (info->type == H5L_TYPE_EXTERNAL)
        report_finding(w->r, SEVERITY_CRITICAL, "hdf5-external", name, "a link to another file");
    else if (info->type != H5L_TYPE_HARD && info->type != H5L_TYPE_SOFT)
        report_finding(w->r, SEVERITY_HIGH, "hdf5-external", name, "a link of a kind that a program defines");
    return 0;
}

/* Filters that come with the library. Any other is looked for in plugins, programs that are loaded. */
static bool is_own_filter(H5Z_filter_t filter)
{
    return filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_FLETCHER32 ||
           filter == H5Z_FILTER_SZIP || filter == H5Z_FILTER_NBIT || filter == H5Z_FILTER_SCALEOFFSET;
}

static void check_filters(struct walk *w, hid_t properties)
{
    int count = H5Pget_nfilters(properties);
    for (int i = 0; i < count; i++) {
        unsigned flags, config;
        size_t values = 0;
        H5Z_filter_t filter = H5Pget_filter2(properties, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
        if (!is_own_filter(filter))
            report_finding(w->r, SEVERITY_HIGH, "hdf5-filter", w->at,
                           "packed by filter %d, for which readers load a plugin", (int)filter);
    }
}

/* Numbers that the library has no type for: bfloat16 and the kinds of one byte. */
#define OPAQUE_NUMBER_BYTES 2U

/* Kinds in which programs keep what is neither number nor text, at any depth of the type. */
static bool holds_objects(hid_t type)
{
    if (H5Tget_class(type) == H5T_OPAQUE)
        return H5Tget_size(type) > OPAQUE_NUMBER_BYTES;
    return H5Tdetect_class(type, H5T_OPAQUE) != 0 || H5Tdetect_class(type, H5T_REFERENCE) != 0 ||
           H5Tdetect_class(type, H5T_VLEN) != 0;
}

static void check_dataset(struct walk *w, hid_t dataset)
{
    hid_t properties = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
    w->datasets++;
    if (properties < 0 || type < 0) {
        report_stop(w->r, SEVERITY_HIGH, "hdf5-broken", w->at, "a dataset that cannot be read");
    } else {
        if (H5Pget_external_count(properties) > 0)
            report_finding(w->r, SEVERITY_CRITICAL, "hdf5-external", w->at, "data in another file");
        if (H5Pget_layout(properties) == H5D_VIRTUAL)
            report_finding(w->r, SEVERITY_CRITICAL, "hdf5-external", w->at,
                           "data that are put together of other files");
        if (holds_objects(type))
            report_not_scanned(w->r, "hdf5-type", w->at, "data that are no numbers and no texts");
        check_filters(w, properties);
    }
    if (properties >= 0)
        H5Pclose(properties);
    if (type >= 0)
        H5Tclose(type);
}

/* ── attributes ── */

/* The text of a scalar attribute. NULL: it has none, or a longer one than we take. */
static char *read_text(hid_t attribute, size_t *len)
{
    char *text = NULL, *pointer = NULL;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    bool scalar =
        type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1;
    size_t size = scalar ? H5Tget_size(type) : 0;
    if (scalar && H5Tis_variable_str(type) > 0) {
        if (H5Aread(attribute, type, &pointer) >= 0 && pointer && (*len = strlen(pointer)) <= LIMIT_HDF5_TEXT)
            text = strdup(pointer);
        if (pointer)
            H5Dvlen_reclaim(type, space, H5P_DEFAULT, &pointer);
    } else if (scalar && size > 0 && size <= LIMIT_HDF5_TEXT && (text = calloc(1, size + 1))) {
        if (H5Aread(attribute, type, text) < 0) {
            free(text);
            text = NULL;
        } else {
            for (*len = size; *len > 0 && text[*len - 1] == '\0';) /* what stands behind a NUL is no part of any text */
                --*len;
        }
    }
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return text;
}

static void check_description(struct walk *w, hid_t attribute, const char *name)
{
    size_t len = 0;
    char at[300];
    auto_free char *text = read_text(attribute, &len);
    snprintf(at, sizeof at, "%.200s@%s", w->at, name);
    if (!text)
        report_not_scanned(w->r, "hdf5-attribute", at, "a description of a model that cannot be read, or is no text");
    else
        keras_text_check(span_of(text, len), at, w->r);
}

/* PyTables and pandas keep what they cannot write otherwise as pickles, and load them again. */
static bool is_of_pytables(const char *name)
{
    static const char *const names[] = {"PYTABLES_FORMAT_VERSION", "pandas_type", "pandas_version", "PSEUDOATOM"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *arg)
{
    struct walk *w = arg;
    (void)info;
    if (++w->links > LIMIT_HDF5_OBJECTS)
        return too_many(w);
    if (is_of_pytables(name))
        report_not_scanned(w->r, "hdf5-pickle", w->at, "a file of PyTables or pandas (%s), which keeps pickles in it",
                           name);
    if (strcmp(name, "model_config") != 0 && strcmp(name, "training_config") != 0)
        return 0;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0) {
        report_stop(w->r, SEVERITY_HIGH, "hdf5-broken", w->at, "the attribute %s cannot be read", name);
        return 0;
    }
    check_description(w, attribute, name);
    H5Aclose(attribute);
    return 0;
}

static herr_t visit_object(hid_t root, const char *name, const H5O_info_t *info, void *arg)
{
    struct walk *w = arg;
    hsize_t from = 0;
    w->at = name;
    if (w->groups + w->datasets >= LIMIT_HDF5_OBJECTS)
        return too_many(w);
    hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    if (object < 0) {
        report_stop(w->r, SEVERITY_HIGH, "hdf5-broken", name, "an object that cannot be opened");
        return 0;
    }
    if (info->type == H5O_TYPE_DATASET)
        check_dataset(w, object);
    else if (info->type == H5O_TYPE_GROUP)
        w->groups++;
    else if (info->type != H5O_TYPE_NAMED_DATATYPE)
        report_stop(w->r, SEVERITY_HIGH, "hdf5-broken", name, "an object of a kind that does not exist");
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &from, visit_attribute, w) < 0)
        report_stop(w->r, SEVERITY_HIGH, "hdf5-broken", name, "attributes that cannot be read");
    H5Oclose(object);
    return 0;
}

/* ── the file ── */

static int check_file(hid_t file, struct span bytes, struct report *r)
{
    struct walk w = {.r = r, .at = ""};
    hsize_t block = 0;
    hid_t creation = H5Fget_create_plist(file);
    if (creation < 0 || H5Pget_userblock(creation, &block) < 0 || block != 0)
        report_stop(r, SEVERITY_HIGH, "hdf5-block", "", "a block of other bytes in front of its data");
    if (creation >= 0)
        H5Pclose(creation);
    if (used < bytes.len)
        report_stop(r, SEVERITY_HIGH, "hdf5-trailing", "", "%" PRIu64 " bytes stand behind its end",
                    (uint64_t)(bytes.len - used));
    if (H5Lvisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, visit_link, &w) < 0 ||
        H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, visit_object, &w) < 0)
        return report_stop(r, SEVERITY_HIGH, "hdf5-broken", w.at, "libhdf5 cannot read it to its end");
    json_put_uint(&r->facts, "groups", w.groups);
    json_put_uint(&r->facts, "datasets", w.datasets);
    return 0;
}

int hdf5_check(struct span file, struct report *r)
{
    hid_t access = memory_access();
    if (access < 0)
        return report_not_scanned(r, "hdf5-library", "", "libhdf5 does not start here");
    opening = file;
    used = 0;
    hid_t handle = H5Fopen("memory", H5F_ACC_RDONLY, access);
    opening = span_of(NULL, 0);
    int result = handle < 0 ? report_stop(r, SEVERITY_HIGH, "hdf5-broken", "",
                                          "libhdf5 cannot open it: it is cut short, or no HDF5 file")
                            : check_file(handle, file, r);
    if (handle >= 0)
        H5Fclose(handle);
    H5Pclose(access);
    return result;
}

bool hdf5_is_placeholder(struct span file)
{
    struct span rest = file;
    if (!span_take_prefix(&rest, SPAN_LIT("\x89HDF\r\n\x1a\n")) || rest.len > 4096)
        return false;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] != 0)
            return false;
    return true;
}
