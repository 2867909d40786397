/* Looking things up in a device, and freeing devices and profiles. */
#include "model/cost/coefficients.h"

#include <stdlib.h>
#include <string.h>

size_t kerf_device_find_mode(const kerf_device *device, const char *name)
{
    for (size_t i = 0; i < device->n_modes; i++) {
        if (strcmp(device->modes[i].name, name) == 0)
            return i;
    }
    return KERF_NONE;
}

bool kerf_device_supports(const kerf_device *device, const char *type)
{
    for (size_t i = 0; i < device->n_unsupported; i++) {
        if (strcmp(device->unsupported[i], type) == 0)
            return false;
    }
    return true;
}

void kerf_device_destroy(kerf_device **device)
{
    if (!device || !*device)
        return;
    kerf_device *d = *device;
    for (size_t i = 0; i < d->n_modes; i++) {
        free(d->modes[i].name);
        kerf_uncertainty_clear(&d->modes[i].uncertainty);
    }
    for (size_t i = 0; i < d->n_unsupported; i++)
        free(d->unsupported[i]);
    free(d->modes);
    free(d->unsupported);
    free(d->name);
    free(d->description);
    free(d->provenance);
    free(d->fit);
    free(d->assumptions);
    free(d);
    *device = NULL;
}

void kerf_profile_destroy(kerf_profile **profile)
{
    if (!profile || !*profile)
        return;
    kerf_profile *p = *profile;
    for (size_t i = 0; i < p->n_operators; i++)
        free(p->operators[i].name);
    for (size_t i = 0; i < p->n_groups; i++) {
        for (size_t k = 0; k < p->groups[i].n_operators; k++)
            free(p->groups[i].operators[k]);
        free(p->groups[i].operators);
    }
    free(p->groups);
    free(p->operators);
    free(p->network);
    free(p->source);
    free(p);
    *profile = NULL;
}
