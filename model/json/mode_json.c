/* Coefficients of one power mode. Which of them a form needs is stated once, in the tables of
 * fields below; everything else in the object is refused. */
#include "model/json/mode_json.h"

#include "model/cost/coefficients.h"

#include <stddef.h>
#include <string.h>

/* One coefficient: key, unit, where it goes. */
typedef struct field {
    const char *key;
    kerf_quantity kind;
    size_t offset;
    kerf_presence presence;
} field;

#define FIELD(key, kind, member, presence)                                                         \
    {                                                                                              \
        key, kind, offsetof(kerf_power_mode, member), presence                                     \
    }

static bool read_fields(const kerf_json *object, const field *fields, size_t n,
                        kerf_power_mode *mode)
{
    for (size_t i = 0; i < n; i++) {
        double *target = (double *)(void *)((char *)mode + fields[i].offset);
        kerf_json_quantity(object, fields[i].key, fields[i].kind, fields[i].presence, target);
        if (kerf_json_failed(object->doc))
            return false;
    }
    return true;
}

/* {"conv": "3 ps/MAC", ..., "default": ...}: a class without a figure takes the default, which may
 * be left out only if there is no such class. */
static bool read_per_mac(const kerf_json *object, kerf_quantity kind, double *per_mac)
{
    kerf_json table;
    if (!kerf_json_object(object, "per_mac", KERF_REQUIRED, &table))
        return false;
    double fallback = -1;
    kerf_json_quantity(&table, "default", kind, KERF_OPTIONAL, &fallback);
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++) {
        per_mac[i] = fallback;
        kerf_json_quantity(&table, kerf_class_name((kerf_class)i), kind, KERF_OPTIONAL,
                           &per_mac[i]);
    }
    if (!kerf_json_done(&table))
        return false;
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++) {
        if (per_mac[i] < 0)
            return kerf_json_fail(&table, KERF_E_INVALID,
                                  "has no \"%s\" and no \"default\", expected one of them",
                                  kerf_class_name((kerf_class)i));
    }
    return true;
}

/* {"conv": "30 ps/B", ...}: what a class takes on top; "default" is for those that are left out, 0
 * where there is none. */
static bool read_more(const kerf_json *object, const char *key, kerf_quantity kind, double *more)
{
    kerf_json table;
    if (!kerf_json_object(object, key, KERF_OPTIONAL, &table))
        return !kerf_json_failed(object->doc);
    double fallback = 0;
    kerf_json_quantity(&table, "default", kind, KERF_OPTIONAL, &fallback);
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++) {
        more[i] = fallback;
        kerf_json_quantity(&table, kerf_class_name((kerf_class)i), kind, KERF_OPTIONAL, &more[i]);
    }
    return kerf_json_done(&table);
}

/* What a latency or energy may say on top of its form. */
static bool read_refinement(const kerf_json *object, kerf_quantity per_byte, kerf_quantity plain,
                            kerf_refinement *more)
{
    kerf_json_quantity(object, "per_step", plain, KERF_OPTIONAL, &more->per_step);
    kerf_json_quantity(object, "grouped_launch", plain, KERF_OPTIONAL, &more->grouped_launch);
    return read_more(object, "more_per_byte", per_byte, more->per_byte) &&
           read_more(object, "more_per_weight_byte", per_byte, more->per_weight_byte);
}

static bool read_latency(const kerf_json *object, kerf_power_mode *mode)
{
    static const field fields[] = {
        FIELD("per_byte", KERF_TIME_PER_BYTE, s_per_byte, KERF_REQUIRED),
        FIELD("launch", KERF_TIME, launch_s, KERF_REQUIRED),
        FIELD("partition", KERF_TIME, partition_s, KERF_REQUIRED),
    };
    const char *form = NULL;
    kerf_json latency, member;
    if (!kerf_json_object(object, "latency", KERF_REQUIRED, &latency) ||
        !kerf_json_string(&latency, "form", KERF_REQUIRED, &form) ||
        !kerf_json_member(&latency, "form", KERF_REQUIRED, &member))
        return false;
    if (strcmp(form, "sum") == 0)
        mode->latency_form = KERF_LATENCY_SUM;
    else if (strcmp(form, "max") == 0)
        mode->latency_form = KERF_LATENCY_MAX;
    else
        return kerf_json_fail(&member, KERF_E_INVALID,
                              "\"%s\" is not a latency form, expected \"sum\" or \"max\"", form);
    if (mode->latency_form == KERF_LATENCY_SUM &&
        !read_refinement(&latency, KERF_TIME_PER_BYTE, KERF_TIME, &mode->latency_more))
        return false;
    return read_per_mac(&latency, KERF_TIME_PER_MAC, mode->s_per_mac) &&
           read_fields(&latency, fields, sizeof fields / sizeof *fields, mode) &&
           kerf_json_done(&latency);
}

static const field classes_fields[] = {
    FIELD("per_byte", KERF_ENERGY_PER_BYTE, J_per_byte, KERF_REQUIRED),
    FIELD("launch", KERF_ENERGY, launch_J, KERF_REQUIRED),
    FIELD("partition", KERF_ENERGY, partition_J, KERF_REQUIRED),
};
static const field floor_fields[] = {
    FIELD("per_byte", KERF_ENERGY_PER_BYTE, J_per_byte, KERF_REQUIRED),
    FIELD("launch", KERF_ENERGY, launch_J, KERF_REQUIRED),
    FIELD("partition", KERF_ENERGY, partition_J, KERF_REQUIRED),
    FIELD("floor", KERF_ENERGY, floor_J, KERF_REQUIRED),
};
static const field mac_kernels_fields[] = {
    FIELD("per_kernel", KERF_ENERGY_PER_KERNEL, J_per_kernel, KERF_REQUIRED),
    FIELD("per_byte", KERF_ENERGY_PER_BYTE, J_per_byte, KERF_REQUIRED),
    FIELD("launch", KERF_ENERGY, launch_J, KERF_OPTIONAL),
    FIELD("partition", KERF_ENERGY, partition_J, KERF_OPTIONAL),
};
static const field power_fields[] = {
    FIELD("active", KERF_POWER, active_W, KERF_REQUIRED),
};

/* An energy form: its name in files and its fields. */
typedef struct energy_form {
    const char *name;
    kerf_energy_form code;
    const field *fields;
    size_t n_fields;
} energy_form;

#define FORM(name, code, table)                                                                    \
    {                                                                                              \
        name, code, table, sizeof table / sizeof *table                                            \
    }

static const energy_form energy_forms[] = {
    FORM("classes", KERF_ENERGY_CLASSES, classes_fields),
    FORM("mac-kernels", KERF_ENERGY_MAC_KERNELS, mac_kernels_fields),
    FORM("floor", KERF_ENERGY_FLOOR, floor_fields),
    FORM("power", KERF_ENERGY_POWER, power_fields),
};

static const energy_form *find_form(const kerf_json *energy)
{
    const char *name = NULL;
    kerf_json member;
    if (!kerf_json_string(energy, "form", KERF_REQUIRED, &name) ||
        !kerf_json_member(energy, "form", KERF_REQUIRED, &member))
        return NULL;
    for (size_t i = 0; i < sizeof energy_forms / sizeof *energy_forms; i++) {
        if (strcmp(energy_forms[i].name, name) == 0)
            return &energy_forms[i];
    }
    kerf_json_fail(&member, KERF_E_INVALID,
                   "\"%s\" is not an energy form, expected \"classes\", \"mac-kernels\", \"floor\" "
                   "or \"power\"",
                   name);
    return NULL;
}

static bool read_energy(const kerf_json *object, kerf_power_mode *mode)
{
    kerf_json energy;
    if (!kerf_json_object(object, "energy", KERF_REQUIRED, &energy))
        return false;
    const energy_form *form = find_form(&energy);
    if (!form || !read_fields(&energy, form->fields, form->n_fields, mode))
        return false;
    mode->energy_form = form->code;
    mode->kernel_quantum = 1;
    mode->floor_exponent = 1;
    if (form->code == KERF_ENERGY_POWER)
        mode->partition_J = mode->active_W * mode->partition_s;
    else if (!read_per_mac(&energy, KERF_ENERGY_PER_MAC, mode->J_per_mac))
        return false;
    if ((form->code == KERF_ENERGY_CLASSES || form->code == KERF_ENERGY_FLOOR) &&
        !read_refinement(&energy, KERF_ENERGY_PER_BYTE, KERF_ENERGY, &mode->energy_more))
        return false;
    if (form->code == KERF_ENERGY_MAC_KERNELS)
        kerf_json_number(&energy, "kernel_quantum", KERF_OPTIONAL, 1, 1024, &mode->kernel_quantum);
    if (form->code == KERF_ENERGY_FLOOR)
        kerf_json_number(&energy, "floor_exponent", KERF_REQUIRED, 1, 64, &mode->floor_exponent);
    return kerf_json_done(&energy);
}

bool kerf_mode_read(const kerf_json *object, kerf_power_mode *mode)
{
    return read_latency(object, mode) && read_energy(object, mode) &&
           kerf_json_quantity(object, "idle", KERF_POWER, KERF_REQUIRED, &mode->idle_W);
}
