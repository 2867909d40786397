/* Parsers of option values. Each reports what is wrong and what was expected. */
#include "planner/cli/options.h"
#include "planner/cli/robust.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COUNT 1000000000 /* of anything counted on the command line */

static bool refuse(const cli_option *option, const char *text, const char *expected)
{
    cli_error(CLI_USAGE, "--%s: '%s': expected %s", option->name, text, expected);
    return false;
}

/* A whole number in [low, MAX_COUNT], and nothing after it but `*end`, if that is given. */
static bool whole(const char *text, int64_t low, const char **end, int64_t *number)
{
    if (*text < '0' || *text > '9')
        return false;
    char *stop = NULL;
    errno = 0;
    const long long value = strtoll(text, &stop, 10);
    if (errno || value < low || value > MAX_COUNT || (!end && *stop))
        return false;
    if (end)
        *end = stop;
    *number = value;
    return true;
}

bool cli_parse_flag(const cli_option *option, const char *text, void *field)
{
    (void)option;
    (void)text;
    *(bool *)field = true;
    return true;
}

bool cli_parse_text(const cli_option *option, const char *text, void *field)
{
    if (!*text)
        return refuse(option, text, option->argument);
    *(const char **)field = text;
    return true;
}

bool cli_parse_quantity(const cli_option *option, const char *text, void *field)
{
    kerf_error err = {0};
    double value = 0;
    if (kerf_parse_quantity(text, option->quantity, &value, &err) != KERF_OK) {
        cli_error(CLI_USAGE, "--%s: %s", option->name, err.message);
        return false;
    }
    if (option->positive && value <= 0)
        return refuse(option, text, "a value above zero");
    *(double *)field = value;
    return true;
}

/* LOW..HIGH, each with its unit. */
bool cli_parse_range(const cli_option *option, const char *text, void *field)
{
    const char *dots = strstr(text, "..");
    char low[64];
    double ends[2];
    kerf_error err = {0};
    if (!dots || dots == text || (size_t)(dots - text) >= sizeof low)
        return refuse(option, text, option->argument);
    snprintf(low, sizeof low, "%.*s", (int)(dots - text), text);
    if (kerf_parse_quantity(low, option->quantity, &ends[0], &err) != KERF_OK ||
        kerf_parse_quantity(dots + 2, option->quantity, &ends[1], &err) != KERF_OK) {
        cli_error(CLI_USAGE, "--%s: %s", option->name, err.message);
        return false;
    }
    if (ends[0] > ends[1])
        return refuse(option, text, "a range that does not fall");
    if (option->positive && ends[0] <= 0)
        return refuse(option, text, "a range above zero");
    memcpy(field, ends, sizeof ends);
    return true;
}

/* "1", "1%" and "1 %" are all one per cent. */
bool cli_parse_percent(const cli_option *option, const char *text, void *field)
{
    char with_unit[64];
    const size_t length = strlen(text);
    if (length == 0 || length > sizeof with_unit - 2)
        return refuse(option, text, "a percentage such as \"0.5 %\"");
    snprintf(with_unit, sizeof with_unit, "%s%s", text, strchr(text, '%') ? "" : "%");
    double value = 0;
    if (kerf_parse_quantity(with_unit, KERF_FRACTION, &value, NULL) != KERF_OK || value >= 1)
        return refuse(option, text, "a percentage such as \"0.5 %\", below 100 %");
    *(double *)field = value;
    return true;
}

bool cli_parse_choice(const cli_option *option, const char *text, void *field)
{
    char known[256];
    size_t used = 0;
    for (const cli_choice *c = option->choices; c->word; c++) {
        if (strcmp(c->word, text) == 0) {
            *(int *)field = c->value;
            return true;
        }
        const int n =
            snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", c->word);
        if (n > 0 && (size_t)n < sizeof known - used)
            used += (size_t)n;
    }
    return refuse(option, text, known);
}

bool cli_parse_count(const cli_option *option, const char *text, void *field)
{
    int64_t value = 0;
    if (!whole(text, 1, NULL, &value))
        return refuse(option, text, "a whole number from 1 to 1000000000");
    *(int64_t *)field = value;
    return true;
}

bool cli_parse_seed(const cli_option *option, const char *text, void *field)
{
    int64_t value = 0;
    if (!whole(text, 0, NULL, &value))
        return refuse(option, text, "a whole number from 0 to 1000000000");
    *(int64_t *)field = value;
    return true;
}

bool cli_parse_plot(const cli_option *option, const char *text, void *field)
{
    const char *dot = strrchr(text, '.');
    if (!dot || strchr(dot, '/') || (strcmp(dot, ".svg") != 0 && strcmp(dot, ".png") != 0))
        return refuse(option, text, "a file name that ends in .svg or .png");
    return cli_parse_text(option, text, field);
}

/* --- objective --- */

/* One "energy=W" or "latency=W" of a weighted objective; moves *text behind it. */
static bool parse_weight(const char **text, cli_settings *settings)
{
    static const char energy[] = "energy=", latency[] = "latency=";
    double *weight;
    if (strncmp(*text, energy, sizeof energy - 1) == 0) {
        weight = &settings->weight_energy;
        *text += sizeof energy - 1;
    } else if (strncmp(*text, latency, sizeof latency - 1) == 0) {
        weight = &settings->weight_latency;
        *text += sizeof latency - 1;
    } else {
        return false;
    }
    if (*weight >= 0 || !((**text >= '0' && **text <= '9') || **text == '.'))
        return false;
    char *stop = NULL;
    *weight = strtod(*text, &stop);
    *text = stop;
    return isfinite(*weight);
}

static bool parse_weights(const cli_option *option, const char *text, cli_settings *settings)
{
    static const char prefix[] = "weighted:";
    static const char expected[] = "weighted:energy=W,latency=W, each once, weights not both 0";
    settings->weight_energy = settings->weight_latency = -1; /* not given */
    const char *at = text + sizeof prefix - 1;
    if (strncmp(text, prefix, sizeof prefix - 1) != 0 || !parse_weight(&at, settings))
        return refuse(option, text, expected);
    if (*at == ',') {
        at++;
        if (!parse_weight(&at, settings))
            return refuse(option, text, expected);
    }
    settings->weight_energy = fmax(settings->weight_energy, 0);
    settings->weight_latency = fmax(settings->weight_latency, 0);
    if (*at || settings->weight_energy + settings->weight_latency <= 0)
        return refuse(option, text, expected);
    settings->objective = KERF_OBJ_WEIGHTED;
    return true;
}

/* Its field is the whole of the settings, because a weighted objective sets three of them. */
bool cli_parse_objective(const cli_option *option, const char *text, void *field)
{
    cli_settings *settings = field;
    if (!cli_parse_aim(option, text, settings, &text))
        return false;
    if (!*text)
        return true; /* of the default objective */
    if (strncmp(text, "weighted", strlen("weighted")) == 0)
        return parse_weights(option, text, settings);
    for (int o = KERF_OBJ_ENERGY; o < KERF_OBJ_WEIGHTED; o++) {
        if (strcmp(text, kerf_objective_name((kerf_objective)o)) == 0) {
            settings->objective = (kerf_objective)o;
            return true;
        }
    }
    return refuse(option, text,
                  "energy, latency, throughput, edp, total-energy or "
                  "weighted:energy=W,latency=W");
}

/* --- repeatable options: NAME=VALUE, split at the last '=' --- */

static const char *value_of(const char *word, size_t *name_length)
{
    const char *equals = strrchr(word, '=');
    if (!equals || equals == word)
        return NULL;
    *name_length = (size_t)(equals - word);
    return equals + 1;
}

static bool append(cli_list *list, const char *word)
{
    list->items[list->n++] = word;
    return true;
}

bool cli_parse_item(const cli_option *option, const char *text, void *field)
{
    return *text ? append(field, text) : refuse(option, text, option->argument);
}

kerf_tier cli_pin_tier(const char *word, size_t *name_length)
{
    static const char *const words[] = {
        [KERF_TIER_DEVICE] = "device", [KERF_TIER_EDGE] = "server", [KERF_TIER_CLOUD] = "cloud"};
    const char *given = value_of(word, name_length);
    for (int tier = KERF_TIER_DEVICE; given && tier <= KERF_TIER_CLOUD; tier++)
        if (strcmp(given, words[tier]) == 0)
            return (kerf_tier)tier;
    return KERF_TIER_FREE;
}

bool cli_parse_pin(const cli_option *option, const char *text, void *field)
{
    size_t length = 0;
    if (cli_pin_tier(text, &length) == KERF_TIER_FREE)
        return refuse(option, text, "OPERATOR=device, OPERATOR=server or OPERATOR=cloud");
    return append(field, text);
}

int64_t cli_dim_size(const char *word, size_t *name_length)
{
    const char *text = value_of(word, name_length);
    int64_t size = 0;
    return text && whole(text, 1, NULL, &size) ? size : 0;
}

bool cli_parse_dim(const cli_option *option, const char *text, void *field)
{
    size_t length = 0;
    if (cli_dim_size(text, &length) == 0)
        return refuse(option, text, "NAME=N with a whole number from 1 to 1000000000");
    return append(field, text);
}

size_t cli_input_dims(const char *word, size_t *name_length, int64_t *dims, size_t maximum)
{
    const char *text = value_of(word, name_length);
    for (size_t n = 0; text && n < maximum;) {
        if (!whole(text, 0, &text, &dims[n]))
            return 0;
        n++;
        if (!*text)
            return n;
        if (*text++ != 'x')
            return 0;
    }
    return 0;
}

bool cli_parse_input(const cli_option *option, const char *text, void *field)
{
    int64_t dims[CLI_MAX_RANK];
    size_t length = 0;
    if (cli_input_dims(text, &length, dims, CLI_MAX_RANK) == 0)
        return refuse(option, text, "TENSOR=SHAPE with a shape such as 1x3x224x224");
    return append(field, text);
}
