#include "model/cost/coefficients.h"

#include <stddef.h>
#include <string.h>

/* A name, or with by_class what stands before a class. */
static const struct {
    const char *name;
    size_t offset;
    bool by_class;
    kerf_quantity kind;
} table[] = {
#define PLAIN(name, member, kind)                                                                  \
    {                                                                                              \
        name, offsetof(kerf_power_mode, member), false, kind                                       \
    }
#define CLASSES(name, member, kind)                                                                \
    {                                                                                              \
        name, offsetof(kerf_power_mode, member), true, kind                                        \
    }
    CLASSES("latency/per_mac/", s_per_mac, KERF_TIME_PER_MAC),
    PLAIN("latency/per_byte", s_per_byte, KERF_TIME_PER_BYTE),
    PLAIN("latency/launch", launch_s, KERF_TIME),
    PLAIN("latency/partition", partition_s, KERF_TIME),
    CLASSES("latency/more_per_byte/", latency_more.per_byte, KERF_TIME_PER_BYTE),
    CLASSES("latency/more_per_weight_byte/", latency_more.per_weight_byte, KERF_TIME_PER_BYTE),
    PLAIN("latency/per_step", latency_more.per_step, KERF_TIME),
    PLAIN("latency/grouped_launch", latency_more.grouped_launch, KERF_TIME),
    CLASSES("energy/per_mac/", J_per_mac, KERF_ENERGY_PER_MAC),
    PLAIN("energy/per_byte", J_per_byte, KERF_ENERGY_PER_BYTE),
    PLAIN("energy/launch", launch_J, KERF_ENERGY),
    PLAIN("energy/partition", partition_J, KERF_ENERGY),
    CLASSES("energy/more_per_byte/", energy_more.per_byte, KERF_ENERGY_PER_BYTE),
    CLASSES("energy/more_per_weight_byte/", energy_more.per_weight_byte, KERF_ENERGY_PER_BYTE),
    PLAIN("energy/per_step", energy_more.per_step, KERF_ENERGY),
    PLAIN("energy/grouped_launch", energy_more.grouped_launch, KERF_ENERGY),
    PLAIN("energy/per_kernel", J_per_kernel, KERF_ENERGY_PER_KERNEL),
    PLAIN("energy/floor", floor_J, KERF_ENERGY),
    PLAIN("energy/active", active_W, KERF_POWER),
};

/* Classes joined by '+', each once. */
static bool find_classes(const char *text, size_t base, kerf_coefficient *coefficient)
{
    bool seen[KERF_CLASS_COUNT] = {false};
    coefficient->n = 0;
    for (;;) {
        const size_t length = strcspn(text, "+");
        size_t i = 0;
        while (i < KERF_CLASS_COUNT &&
               (strncmp(kerf_class_name((kerf_class)i), text, length) != 0 ||
                kerf_class_name((kerf_class)i)[length] != '\0'))
            i++;
        if (i == KERF_CLASS_COUNT || seen[i])
            return false;
        seen[i] = true;
        coefficient->offsets[coefficient->n++] = base + i * sizeof(double);
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

bool kerf_coefficient_find(const char *name, kerf_coefficient *coefficient)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const size_t length = strlen(table[i].name);
        coefficient->kind = table[i].kind;
        if (table[i].by_class && strncmp(name, table[i].name, length) == 0)
            return find_classes(name + length, table[i].offset, coefficient);
        if (!table[i].by_class && strcmp(name, table[i].name) == 0) {
            coefficient->offsets[0] = table[i].offset;
            coefficient->n = 1;
            return true;
        }
    }
    return false;
}

double kerf_coefficient_get(const kerf_power_mode *mode, size_t offset)
{
    double value;
    memcpy(&value, (const char *)mode + offset, sizeof value);
    return value;
}

void kerf_coefficient_set(kerf_power_mode *mode, size_t offset, double value)
{
    memcpy((char *)mode + offset, &value, sizeof value);
}
