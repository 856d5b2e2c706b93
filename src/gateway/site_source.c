#include "gateway/site_source.h"

static int identify(void *arg, struct span token, struct identity *out, struct err *e)
{
    struct site_source *s = arg;
    return callers_identify(s->callers, token, out, e);
}

static struct gateway_engine from_ref(const struct engine_ref *ref)
{
    return (struct gateway_engine){.release = ref->release,
                                   .name = ref->name,
                                   .version = ref->version,
                                   .door = ref->door,
                                   .system = ref->prompts->system ? ref->prompts->system : "",
                                   .parameters = ref->prompts->parameters,
                                   .created_s = ref->created_s};
}

static int take(void *arg, const char *environment, const char *name, struct gateway_engine *out, struct err *e)
{
    struct site_source *s = arg;
    struct engine_ref *ref = supervisor_take(s->supervisor, environment, name, e);
    if (!ref)
        return -1;
    *out = from_ref(ref);
    out->handle = ref;
    return 0;
}

static void give(void *arg, struct gateway_engine *g)
{
    (void)arg;
    supervisor_give(g->handle);
}

struct each_adapter {
    int (*each)(void *arg, const struct gateway_engine *g);
    void *arg;
};

static int adapt(void *arg, const struct engine_ref *ref)
{
    const struct each_adapter *a = arg;
    struct gateway_engine g = from_ref(ref);
    return a->each(a->arg, &g);
}

static int each_engine(void *arg, const char *environment, int (*each)(void *each_arg, const struct gateway_engine *g),
                       void *each_arg)
{
    struct site_source *s = arg;
    struct each_adapter a = {each, each_arg};
    return supervisor_each(s->supervisor, environment, adapt, &a);
}

static int record(void *arg, struct span line, struct err *e)
{
    struct site_source *s = arg;
    return access_add(s->access, line, NULL, e);
}

struct gateway_source site_source(struct site_source *s)
{
    return (struct gateway_source){.callers = {.identify = identify, .arg = s, .callers = s->callers},
                                   .take = take,
                                   .give = give,
                                   .each = each_engine,
                                   .record = record,
                                   .arg = s};
}
