#include "planner/cli/options.h"

#include "base/memory.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 64
#define FIRST_CODE  256 /* getopt's return values, above every short option's letter */

/* Edit distance of two short words; long ones count as far. */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    const size_t m = strlen(a), n = strlen(b);
    if (m > LONGEST || n > LONGEST)
        return LONGEST;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

const char *cli_nearest(const char *text, const char *const *words, size_t n)
{
    const char *nearest = NULL;
    size_t least = strlen(text) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        const size_t d = distance(text, words[i]);
        if (d < least) {
            least = d;
            nearest = words[i];
        }
    }
    return nearest;
}

/* The command's options in one array. */
typedef struct option_set {
    const cli_option *rows[MAX_OPTIONS];
    const char *names[MAX_OPTIONS];
    struct option table[MAX_OPTIONS + 1];
    char letters[2 * MAX_OPTIONS + 3];
    size_t n;
} option_set;

static void collect(const cli_command *command, option_set *set)
{
    memset(set, 0, sizeof *set);
    size_t letters = 0;
    set->letters[letters++] = ':'; /* a missing argument is told apart from an unknown option */
    for (const cli_section *const *s = command->sections; *s; s++) {
        for (const cli_option *o = (*s)->options; o->name && set->n < MAX_OPTIONS; o++) {
            set->table[set->n] =
                (struct option){.name = o->name,
                                .has_arg = o->argument ? required_argument : no_argument,
                                .val = FIRST_CODE + (int)set->n};
            if (o->letter) {
                set->letters[letters++] = o->letter;
                if (o->argument)
                    set->letters[letters++] = ':';
            }
            set->names[set->n] = o->name;
            set->rows[set->n++] = o;
        }
    }
}

static const cli_option *row_of(const option_set *set, int code)
{
    if (code >= FIRST_CODE && (size_t)(code - FIRST_CODE) < set->n)
        return set->rows[code - FIRST_CODE];
    for (size_t i = 0; i < set->n; i++)
        if (set->rows[i]->letter && set->rows[i]->letter == code)
            return set->rows[i];
    return NULL;
}

/* getopt keeps the offender to itself: a long option is the word it has just passed. */
static void report_unknown(const cli_command *command, const option_set *set, char **argv)
{
    const char *word = argv[optind - 1];
    if (optopt > 0 && optopt < FIRST_CODE) {
        cli_error(CLI_USAGE, "%s: unknown option '-%c'; 'kerf %s --help' lists the options",
                  command->name, optopt, command->name);
        return;
    }
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const cli_option *row = row_of(set, optopt);
    size_t matches = 0;
    for (size_t i = 0; i < set->n; i++)
        matches += strncmp(set->names[i], name, strlen(name)) == 0;
    const char *near = cli_nearest(name, set->names, set->n);
    if (row)
        cli_error(CLI_USAGE, "%s: --%s takes no value", command->name, row->name);
    else if (matches > 1)
        cli_error(CLI_USAGE, "%s: '--%s' could be several options; write it out", command->name,
                  name);
    else if (near)
        cli_error(CLI_USAGE, "%s: unknown option '--%s'; did you mean '--%s'?", command->name, name,
                  near);
    else
        cli_error(CLI_USAGE, "%s: unknown option '--%s'; 'kerf %s --help' lists the options",
                  command->name, name, command->name);
}

/* The lists of all repeatable options. */
enum { N_LISTS = 10 };
static void all_lists(cli_settings *s, cli_list *lists[N_LISTS])
{
    cli_list *const all[N_LISTS] = {&s->pins,     &s->dims,       &s->inputs, &s->arguments,
                                    &s->binds,    &s->catalogues, &s->rails,  &s->endpoints,
                                    &s->policies, &s->forms};
    memcpy(lists, all, sizeof all);
}

static bool lists_init(cli_settings *settings, int argc)
{
    cli_list *lists[N_LISTS];
    bool made = true;
    all_lists(settings, lists);
    for (size_t i = 0; i < N_LISTS; i++) {
        lists[i]->items = kerf_calloc((size_t)argc, sizeof *lists[i]->items);
        made = made && lists[i]->items;
    }
    return made;
}

static void settings_init(cli_settings *settings)
{
    *settings = (cli_settings){.uplink_bps = NAN,
                               .downlink_bps = NAN,
                               .rtt_s = NAN,
                               .loss = NAN,
                               .gap_s = NAN,
                               .margin = NAN,
                               .observed_latency_s = NAN,
                               .observed_energy_J = NAN,
                               .rates_bps = {NAN, NAN},
                               .downlinks_bps = {NAN, NAN},
                               .rtts_s = {NAN, NAN},
                               .loads = {NAN, NAN},
                               .connection = -1,
                               .seed = -1,
                               .result = KERF_TIER_DEVICE};
}

static bool parse_options(const cli_command *command, int argc, char **argv, cli_settings *settings)
{
    option_set set;
    collect(command, &set);
    opterr = 0;
    for (;;) {
        optopt = 0;
        const int code = getopt_long(argc, argv, set.letters, set.table, NULL);
        if (code == -1)
            return true;
        if (code == '?') {
            report_unknown(command, &set, argv);
            return false;
        }
        if (code == ':') {
            const cli_option *row = row_of(&set, optopt);
            cli_error(CLI_USAGE, "%s: %s lacks its %s", command->name, argv[optind - 1],
                      row && row->argument ? row->argument : "value");
            return false;
        }
        const cli_option *row = row_of(&set, code);
        if (!row->parse(row, optarg, (char *)settings + row->field))
            return false;
        if (settings->help)
            return true;
    }
}

/* What stands beside the options: as many words as the command expects. */
static cli_exit take_arguments(const cli_command *command, int argc, char **argv,
                               cli_settings *settings)
{
    const size_t given = (size_t)(argc - optind);
    const size_t least = settings->check ? 2 : *command->arguments && !command->optional;
    const size_t most = settings->check ? 2 : command->many ? given : *command->arguments != 0;
    if (settings->check && given < least)
        return cli_error(CLI_USAGE, "%s: --check expects two files, HEAD.onnx and TAIL.onnx",
                         command->name);
    if (given < least)
        return cli_error(CLI_USAGE, "%s: %s is missing; 'kerf %s --help' shows the usage",
                         command->name, command->arguments, command->name);
    if (given > most && *command->arguments)
        return cli_error(CLI_USAGE, "%s: unexpected argument '%s'; only %s is expected",
                         command->name, argv[(size_t)optind + most],
                         settings->check ? "HEAD.onnx TAIL.onnx" : command->arguments);
    if (given > most)
        return cli_error(CLI_USAGE,
                         "%s: unexpected argument '%s'; 'kerf %s --help' shows the usage",
                         command->name, argv[optind], command->name);
    for (size_t i = 0; i < given; i++)
        settings->arguments.items[settings->arguments.n++] = argv[(size_t)optind + i];
    settings->argument = given > 0 ? settings->arguments.items[0] : NULL;
    settings->second = settings->check ? settings->arguments.items[1] : NULL;
    return CLI_DONE;
}

static bool has_option(const cli_command *command, const char *name)
{
    for (const cli_section *const *s = command->sections; *s; s++)
        for (const cli_option *o = (*s)->options; o->name; o++)
            if (strcmp(o->name, name) == 0)
                return true;
    return false;
}

/* Objectives are common to several commands, scenarios are not. */
static cli_exit check_aim(const cli_command *command, const cli_settings *settings)
{
    if (settings->aim == KERF_AIM_NOMINAL || has_option(command, "uncertainty"))
        return CLI_DONE;
    return cli_error(CLI_USAGE, "--objective: %s is for kerf plan",
                     kerf_aim_name((kerf_aim)settings->aim));
}

/* --wire names a type, any, or an encoding of the variants file, which is not read yet. */
static cli_exit check_wire(cli_settings *settings)
{
    if (!settings->wire_name)
        return CLI_DONE;
    for (int i = KERF_WIRE_FLOAT32; i <= KERF_WIRE_INT8; i++)
        if (strcmp(settings->wire_name, kerf_wire_name((kerf_wire)i)) == 0)
            settings->wire = i;
    if (settings->wire || settings->variants || strcmp(settings->wire_name, "any") == 0)
        return CLI_DONE;
    return cli_error(CLI_USAGE,
                     "--wire: '%s': expected float32, float16, int8 or any (encodings of other "
                     "names are listed in a --variants file)",
                     settings->wire_name);
}

cli_exit cli_settings_parse(const cli_command *command, int argc, char **argv,
                            cli_settings *settings)
{
    settings_init(settings);
    if (!lists_init(settings, argc))
        return cli_error(CLI_FAILED, "out of memory");
    if (!parse_options(command, argc, argv, settings))
        return CLI_USAGE;
    if (settings->help)
        return CLI_DONE;
    const cli_exit status = take_arguments(command, argc, argv, settings);
    if (status != CLI_DONE)
        return status;
    if (settings->json && settings->csv)
        return cli_error(CLI_USAGE, "%s: --json and --csv exclude each other", command->name);
    if (check_aim(command, settings) != CLI_DONE)
        return CLI_USAGE;
    return check_wire(settings);
}

void cli_settings_clear(cli_settings *settings)
{
    cli_list *lists[N_LISTS];
    all_lists(settings, lists);
    for (size_t i = 0; i < N_LISTS; i++) {
        free(lists[i]->items);
        *lists[i] = (cli_list){0};
    }
}

static void print_option(const cli_option *option)
{
    enum { COLUMN = 30 };
    char left[80];
    const int n =
        option->letter
            ? snprintf(left, sizeof left, "  -%c, --%s%s%s", option->letter, option->name,
                       option->argument ? " " : "", option->argument ? option->argument : "")
            : snprintf(left, sizeof left, "  --%s%s%s", option->name, option->argument ? " " : "",
                       option->argument ? option->argument : "");
    if (n < COLUMN - 1)
        printf("%-*s", COLUMN, left);
    else
        printf("%s\n%*s", left, COLUMN, "");
    cli_wrap(stdout, option->help, COLUMN, COLUMN, CLI_WIDTH);
}

void cli_print_help(const cli_command *command)
{
    const char *words = command->arguments;
    const bool last = strncmp(words, "--", 2) == 0; /* what follows is no option of ours */
    printf("Usage: kerf %s%s%s%s%s\n\n", command->name, last ? " [OPTIONS]" : "", *words ? " " : "",
           words, last ? "" : " [OPTIONS]");
    cli_wrap(stdout, command->description, 0, 0, CLI_WIDTH);
    for (const cli_section *const *s = command->sections; *s; s++) {
        printf("\n%s:\n", (*s)->heading);
        for (const cli_option *o = (*s)->options; o->name; o++)
            print_option(o);
    }
    printf("\nExamples:\n");
    for (const char *const *e = command->examples; *e; e++)
        printf("  %s\n", *e);
    printf("\nThe manual page kerf-%s(1) says more.\n", command->name);
}
