#include "parse/loader_code.h"

#include <stddef.h>
#include <string.h>

#include "util/auto.h"
#include "util/span.h"

#define TRANSFORMERS "transformers runs it when the model is loaded with trust_remote_code"
#define DIFFUSERS    "diffusers or transformers run it as a pipeline when the model is loaded with trust_remote_code"
#define ENDPOINT     "a server of models (an inference endpoint, TorchServe, SageMaker, Triton, Cog) runs it when it starts"
#define PIP          "pip runs it when the folder is installed"

/* What a name begins and ends with. */
static const struct {
    const char *begins, *ends, *runner;
} RUNNERS[] = {
    {"modeling", ".py", TRANSFORMERS},
    {"modelling", ".py", TRANSFORMERS},
    {"configuration_", ".py", TRANSFORMERS},
    {"tokenization_", ".py", TRANSFORMERS},
    {"processing_", ".py", TRANSFORMERS},
    {"image_processing_", ".py", TRANSFORMERS},
    {"video_processing_", ".py", TRANSFORMERS},
    {"feature_extraction_", ".py", TRANSFORMERS},
    {"generation_", ".py", TRANSFORMERS},
    {"generate.py", "", "transformers runs it in place of its own generation (custom_generate)"},
    {"pipeline", ".py", DIFFUSERS},
    {"custom_st", ".py", "sentence-transformers runs it when the model is loaded with trust_remote_code"},
    {"hubconf.py", "", "torch.hub runs it when the model is loaded"},
    {"handler.py", "", ENDPOINT},
    {"inference.py", "", ENDPOINT},
    {"model.py", "", ENDPOINT},
    {"predict.py", "", ENDPOINT},
    {"score.py", "", ENDPOINT},
    {"setup.py", "", PIP},
    {"requirements.txt", "", "pip installs what it names, and runs the installers of those packages"},
    {"conftest.py", "", "pytest runs it in this folder"},
    {"sitecustomize.py", "", "Python runs it whenever it starts in this folder"},
    {"usercustomize.py", "", "Python runs it whenever it starts in this folder"},
    {"__init__.py", "", "Python runs it when the folder is imported"},
    {"__main__.py", "", "Python runs it when the folder is named as a program"},
    {"Makefile", "", "make runs it in this folder"},
    {"Dockerfile", "", "a build of an image runs it"},
};

const char *loader_code_runner(const char *name)
{
    const char *slash = strrchr(name, '/');
    struct span base = span_str(slash ? slash + 1 : name);
    for (size_t i = 0; i < ARRAY_LEN(RUNNERS); i++) {
        struct span begins = span_str(RUNNERS[i].begins), ends = span_str(RUNNERS[i].ends);
        bool whole = ends.len == 0;
        if (whole ? span_equal(base, begins) : span_starts(base, begins) && span_ends(base, ends))
            return RUNNERS[i].runner;
    }
    return NULL;
}
