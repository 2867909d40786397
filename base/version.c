#include "kerf/kerf.h"

const char *kerf_version(void)
{
    return KERF_VERSION;
}
