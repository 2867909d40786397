#include "planner/cli/robust.h"

#include "planner/cli/progress.h"
#include "planner/robust/sensitivity.h"

#include <stdlib.h>
#include <string.h>

/* --- options --- */

/* "chance:0.95" up to the number's end. */
static const char *parse_probability(const char *text, double *probability)
{
    char word[32];
    const size_t n = strcspn(text, ":");
    if (n == 0 || n >= sizeof word)
        return NULL;
    memcpy(word, text, n);
    word[n] = '\0';
    if (kerf_parse_quantity(word, KERF_FRACTION, probability, NULL) != KERF_OK ||
        *probability <= 0 || *probability >= 1)
        return NULL;
    return text + n;
}

bool cli_parse_aim(const cli_option *option, const char *text, cli_settings *settings,
                   const char **rest)
{
    *rest = text;
    for (int aim = KERF_AIM_EXPECTED; aim <= KERF_AIM_CANTELLI; aim++) {
        const char *name = kerf_aim_name((kerf_aim)aim);
        const size_t n = strlen(name);
        const bool chance = aim == KERF_AIM_CHANCE || aim == KERF_AIM_CANTELLI;
        if (strncmp(text, name, n) != 0 || (text[n] && text[n] != ':'))
            continue;
        const char *at = text + n;
        if (chance && *at == ':')
            at = parse_probability(at + 1, &settings->probability);
        else if (chance)
            at = NULL;
        if (!at || (*at == ':' && !at[1])) {
            cli_error(CLI_USAGE, "--%s: '%s': expected %s%s, or the same with :OBJECTIVE",
                      option->name, text, name, chance ? ":PROBABILITY, above 0 and below 1" : "");
            return false;
        }
        settings->aim = aim;
        *rest = *at == ':' ? at + 1 : at;
        return true;
    }
    return true;
}

bool cli_is_robust(const cli_settings *settings)
{
    return settings->uncertainty || settings->rate_trace || settings->aim != KERF_AIM_NOMINAL;
}

bool cli_has_doubts(const cli_settings *settings)
{
    return cli_is_robust(settings) || settings->sensitivity;
}

/* Coefficients have slashes in their names, files end in .json. */
static bool is_file(const char *text)
{
    const size_t n = strlen(text);
    return n > 5 && strcmp(text + n - 5, ".json") == 0 && !strchr(text, '=');
}

/* Without a word about it, what the profiles say. */
static cli_exit load_spreads(const cli_settings *settings, kerf_spreads **spreads)
{
    kerf_error err = {0};
    const char *text = settings->uncertainty;
    if (!text && settings->rate_trace)
        text = "uplink=0%";
    if (!text)
        text = "profile";
    if (is_file(text)) {
        if (kerf_spreads_load(text, spreads, &err) != KERF_OK)
            return cli_report(CLI_FAILED, &err);
    } else if (kerf_spreads_parse(text, spreads, &err) != KERF_OK) {
        return cli_error(CLI_USAGE, "--uncertainty: %s %s", err.where, err.message);
    }
    if (settings->rate_trace &&
        kerf_spreads_add_trace(*spreads, settings->rate_trace, 0, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    return CLI_DONE;
}

/* --- the plan --- */

static cli_exit fail(const cli_settings *settings, const cli_scene *scene, kerf_status status,
                     const kerf_error *err)
{
    if (status == KERF_E_INFEASIBLE && settings->json &&
        cli_plan_json_infeasible(scene, err) != CLI_DONE)
        return CLI_FAILED;
    if (status == KERF_E_INVALID && !settings->uncertainty && strcmp(err->where, "profile") == 0)
        return cli_error(CLI_USAGE, "--objective: %s; say with --uncertainty what is uncertain",
                         err->message);
    if (status == KERF_E_INVALID || status == KERF_E_UNSUPPORTED)
        return cli_report(CLI_USAGE, err);
    return cli_report(cli_exit_of(status), err);
}

cli_exit cli_robust_make(const cli_settings *settings, cli_scene *scene, cli_doubts *doubts)
{
    kerf_error err = {0};
    cli_progress progress;
    const cli_exit loaded = load_spreads(settings, &doubts->spreads);
    if (loaded != CLI_DONE)
        return loaded;
    const kerf_robust_options options = {.aim = (kerf_aim)settings->aim,
                                         .probability = settings->probability,
                                         .spreads = doubts->spreads,
                                         .samples = (size_t)settings->samples,
                                         .seed = settings->seed > 0 ? (uint64_t)settings->seed : 0};
    cli_progress_start(&progress, settings, &scene->question);
    const kerf_status made = kerf_robust_make(&scene->question, &options, &doubts->robust, &err);
    cli_progress_end(&progress);
    if (made != KERF_OK)
        return fail(settings, scene, made, &err);
    scene->robust = doubts->robust;
    return CLI_DONE;
}

/* For how many placements it takes little more than the plan itself: more where two answers change
 * their order once. */
static size_t quick_placements(const kerf_question *q)
{
    const bool many = (q->power_mode && strcmp(q->power_mode, "any") == 0) || q->n_encodings > 1 ||
                      q->n_variants > 1;
    const bool sum = q->objective != KERF_OBJ_EDP && q->objective != KERF_OBJ_THROUGHPUT &&
                     !q->device_profile && !many && q->limits.deadline_s <= 0 &&
                     q->limits.energy_J <= 0;
    return sum ? 300 : 30;
}

/* What is not quickly known is not worth a failure. */
static cli_exit hint(cli_scene *scene, cli_doubts *doubts)
{
    kerf_question quiet = scene->question;
    quiet.progress = NULL; /* that of the plan has ended */
    const walk_size size = {.few = quick_placements(&quiet), .refuse = true};
    sensitivity_find(&quiet, &size, true, &doubts->sensitivity, NULL);
    scene->sensitivity = doubts->sensitivity;
    return CLI_DONE;
}

cli_exit cli_sensitivity_make(const cli_settings *settings, cli_scene *scene, const kerf_plan *plan,
                              cli_doubts *doubts)
{
    kerf_error err = {0};
    cli_progress progress;
    const bool asked = settings->sensitivity;
    if (!asked && (settings->json || settings->csv || settings->time_limit_s > 0 ||
                   doubts->robust || !plan->optimal))
        return CLI_DONE;
    if (!asked)
        return hint(scene, doubts);
    scene->question.progress = NULL;
    cli_progress_start(&progress, settings, &scene->question);
    const kerf_status made = kerf_sensitivity_make(&scene->question, 0, &doubts->sensitivity, &err);
    cli_progress_end(&progress);
    doubts->stopped =
        made == KERF_E_TIME_LIMIT || (made == KERF_OK && doubts->sensitivity->stopped);
    if (!doubts->stopped)
        scene->sensitivity = doubts->sensitivity;
    return made == KERF_OK || doubts->stopped ? CLI_DONE : fail(settings, scene, made, &err);
}

void cli_doubts_clear(cli_doubts *doubts)
{
    kerf_robust_destroy(&doubts->robust);
    kerf_spreads_destroy(&doubts->spreads);
    kerf_sensitivity_destroy(&doubts->sensitivity);
}
