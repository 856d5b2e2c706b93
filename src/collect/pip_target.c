#include "collect/pip_target.h"

#include <stdio.h>

#include "util/file.h"

static const char CUSTOMIZE[] =
    "import os\n"
    "try:\n"
    "    from pip._vendor.packaging import markers\n"
    "except ImportError:\n"
    "    markers = None\n"
    "python, platform = os.environ.get(\"AIRLOCK_PYTHON\", \"\"), os.environ.get(\"AIRLOCK_PLATFORM\", \"\")\n"
    "SYSTEMS = ((\"win\", \"nt\", \"win32\", \"Windows\"), (\"macosx\", \"posix\", \"darwin\", \"Darwin\"),\n"
    "           (\"manylinux\", \"posix\", \"linux\", \"Linux\"), (\"musllinux\", \"posix\", \"linux\", \"Linux\"),\n"
    "           (\"linux\", \"posix\", \"linux\", \"Linux\"))\n"
    "MACHINES = {\"x86_64\": \"x86_64\", \"aarch64\": \"aarch64\", \"arm64\": \"arm64\", \"amd64\": \"AMD64\", "
    "\"i686\": \"i686\", \"ppc64le\": \"ppc64le\",\n"
    "            \"s390x\": \"s390x\", \"armv7l\": \"armv7l\", \"riscv64\": \"riscv64\", \"win32\": \"x86\", "
    "\"universal2\": \"arm64\"}\n"
    "own = markers.default_environment if markers else dict\n"
    "\n"
    "def target():\n"
    "    env = dict(own())\n"
    "    if python:\n"
    "        env[\"python_version\"] = \".\".join(python.split(\".\")[:2])\n"
    "        env[\"python_full_version\"] = python if python.count(\".\") > 1 else python + \".0\"\n"
    "        env[\"implementation_version\"] = env[\"python_full_version\"]\n"
    "        env[\"implementation_name\"], env[\"platform_python_implementation\"] = \"cpython\", \"CPython\"\n"
    "    for start, os_name, sys_platform, system in SYSTEMS:\n"
    "        if platform.startswith(start):\n"
    "            env[\"os_name\"], env[\"sys_platform\"], env[\"platform_system\"] = os_name, sys_platform, system\n"
    "            env[\"platform_release\"] = env[\"platform_version\"] = \"\"\n"
    "            break\n"
    "    for end, machine in MACHINES.items():\n"
    "        if platform.endswith(end):\n"
    "            env[\"platform_machine\"] = machine\n"
    "    return env\n"
    "\n"
    "if markers:\n"
    "    markers.default_environment = target\n";

int pip_target_write(int work, const char *python, const char *platform, struct pip_target *out, struct err *e)
{
    snprintf(out->python, sizeof out->python, "AIRLOCK_PYTHON=%.40s", python);
    snprintf(out->platform, sizeof out->platform, "AIRLOCK_PLATFORM=%.100s", platform);
    out->env[0] = "PYTHONPATH=" CLIENT_WORK;
    out->env[1] = out->python;
    out->env[2] = out->platform;
    out->env[3] = NULL;
    return file_write(work, "sitecustomize.py", span_str(CUSTOMIZE), 0600, e);
}
