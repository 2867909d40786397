/* kerf ask: questions to a running service. */
#include "planner/cli/ask.h"
#include "planner/cli/commands.h"
#include "planner/cli/plan.h"

#include "kerf/client.h"

#include <stdlib.h>
#include <string.h>

#define USUAL_ENDPOINT "tcp://127.0.0.1:5599"

/* --- what is shown --- */

/* A JSON text, laid out for people. */
static cli_exit print_json(const char *text)
{
    kerf_json_doc *doc = NULL;
    kerf_error err = {0};
    cli_json j = {false};
    if (kerf_json_parse(text, strlen(text), "reply", NULL, &doc, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    json_t *root = json_incref(kerf_json_root(doc).value);
    kerf_json_close(&doc);
    return cli_json_print(&j, root);
}

static cli_exit print_answer(const cli_settings *settings, const kerf_answer *answer)
{
    ask_view view;
    kerf_error err = {0};
    if (settings->json)
        return print_json(answer->json);
    if (cli_ask_view(answer->json, &view, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    cli_exit status = cli_plan_table(&view.scene, &view.plan);
    if (status == CLI_DONE && settings->current)
        printf("%-13s%s\n", "current", answer->changed ? "another cut is better" : "stays");
    printf("%-13s%s\n", "cut", answer->cut_id);
    cli_ask_view_clear(&view);
    return status;
}

/* The members of a reply that say something, or its error. */
static cli_exit print_reply(const cli_settings *settings, const char *reply)
{
    kerf_json_doc *doc = NULL;
    kerf_error err = {0};
    kerf_json error;
    bool ok = false;
    const char *message = "an error without a message", *code = "";
    if (kerf_json_parse(reply, strlen(reply), "reply", NULL, &doc, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    const kerf_json root = kerf_json_root(doc);
    cli_exit status = CLI_DONE;
    if (kerf_json_bool(&root, "ok", KERF_REQUIRED, &ok) && !ok &&
        kerf_json_object(&root, "error", KERF_REQUIRED, &error)) {
        kerf_json_string(&error, "message", KERF_OPTIONAL, &message);
        kerf_json_string(&error, "code", KERF_OPTIONAL, &code);
        status = cli_error(CLI_FAILED, "the service refuses: %s (%s)", message, code);
    } else if (settings->json) {
        status = print_json(reply);
    } else {
        json_object_del(root.value, "v");
        json_object_del(root.value, "id");
        json_object_del(root.value, "ok");
        cli_ask_print_lines(&root);
    }
    kerf_json_close(&doc);
    return status;
}

/* --- operations --- */

static cli_exit send_request(const cli_settings *settings, kerf_client *client, kerf_writer *w)
{
    kerf_error err = {0};
    char *reply = NULL;
    kw_end(w, '}');
    if (!kw_finish(w))
        return cli_error(CLI_FAILED, "out of memory");
    if (kerf_client_ask(client, w->text, &reply, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    const cli_exit status = print_reply(settings, reply);
    free(reply);
    return status;
}

static cli_exit refuse_plan(kerf_status status, const kerf_error *err)
{
    if (status == KERF_E_INVALID || status == KERF_E_UNSUPPORTED)
        return cli_report(CLI_USAGE, err);
    return cli_report(cli_exit_of(status), err);
}

static cli_exit ask_plan(const cli_settings *settings, kerf_client *client, const char *network,
                         kerf_writer *w)
{
    kerf_error err = {0};
    kerf_answer *answer = NULL;
    cli_scene scene = {0};
    cli_exit status = cli_ask_question(settings, network, w);
    kw_end(w, '}');
    if (status == CLI_DONE && !kw_finish(w))
        status = cli_error(CLI_FAILED, "out of memory");
    if (status == CLI_DONE && settings->fallback) {
        cli_settings local = *settings;
        local.argument = network;
        status = cli_scene_load(&local, &scene);
    }
    if (status == CLI_DONE) {
        const kerf_status asked = kerf_client_plan(
            client, w->text, settings->fallback ? &scene.question : NULL, &answer, &err);
        status = asked == KERF_OK ? print_answer(settings, answer) : refuse_plan(asked, &err);
    }
    if (answer && answer->local)
        cli_warning(settings->quiet, "no service answers: planned here");
    kerf_answer_destroy(&answer);
    cli_scene_clear(&scene);
    return status;
}

/* Prints announcements as they come: --count of them, or until it is ended. */
static cli_exit watch(const cli_settings *settings, kerf_client *client, const char *device_id)
{
    kerf_error err = {0};
    if (!settings->publisher)
        return cli_error(CLI_USAGE,
                         "ask: watch needs --publisher ENDPOINT, as kerf serve --publish "
                         "printed it");
    kerf_status status = kerf_client_subscribe(client, settings->publisher, device_id, &err);
    for (int64_t n = 0; status == KERF_OK && (settings->count == 0 || n < settings->count);) {
        kerf_answer *answer = NULL;
        status = kerf_client_next(client, 3600, &answer, &err);
        if (status == KERF_E_TIME_LIMIT) {
            status = KERF_OK;
            continue;
        }
        if (status != KERF_OK)
            break;
        n++;
        char clean[300];
        if (settings->json)
            printf("%s\n", answer->json);
        else
            printf("%s: cut %s, %zu operators on the device, send %zu tensor%s%s\n",
                   cli_clean(answer->device_id ? answer->device_id : "?", clean, sizeof clean),
                   answer->cut_id, answer->n_device_operators, answer->n_tensors,
                   answer->n_tensors == 1 ? "" : "s", answer->local ? " (planned here)" : "");
        fflush(stdout);
        kerf_answer_destroy(&answer);
    }
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}

/* A word of the command line that the operation needs. */
static bool need(const cli_settings *settings, size_t n, const char *usage)
{
    if (settings->arguments.n == n)
        return true;
    cli_error(CLI_USAGE, "ask: expected kerf ask %s", usage);
    return false;
}

static cli_exit ask_other(const cli_settings *settings, kerf_client *client, const char *op,
                          kerf_writer *w)
{
    const char *const *words = settings->arguments.items;
    kw_put_string(w, "op", op);
    if (strcmp(op, "list") == 0) {
        if (settings->arguments.n > 2 && !need(settings, 2, "list [KIND]"))
            return CLI_USAGE;
        if (settings->arguments.n == 2)
            kw_put_string(w, "kind", words[1]);
    } else if (strcmp(op, "describe") == 0) {
        if (!need(settings, 3, "describe network|device|server|link NAME"))
            return CLI_USAGE;
        kw_string(w, words[1]);
        kw_raw(w, ":", 1);
        w->comma = false;
        kw_string(w, words[2]);
    } else if (strcmp(op, "observe") == 0) {
        if (!need(settings, 2, "observe DEVICE-ID --uplink RATE ..."))
            return CLI_USAGE;
        kw_put_string(w, "device_id", words[1]);
        cli_ask_observation(settings, w);
    } else if (!need(settings, 1, op)) {
        return CLI_USAGE;
    }
    return send_request(settings, client, w);
}

static cli_exit ask_state(const cli_settings *settings, kerf_client *client, kerf_writer *w)
{
    kerf_error err = {0};
    char *reply = NULL;
    if (!need(settings, 2, "state DEVICE-ID"))
        return CLI_USAGE;
    kw_put_string(w, "op", "state");
    kw_put_string(w, "device_id", settings->arguments.items[1]);
    kw_end(w, '}');
    if (!kw_finish(w))
        return cli_error(CLI_FAILED, "out of memory");
    if (kerf_client_ask(client, w->text, &reply, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    kerf_json_doc *doc = NULL;
    kerf_json plan;
    cli_exit status = CLI_DONE;
    if (kerf_json_parse(reply, strlen(reply), "reply", NULL, &doc, &err) != KERF_OK) {
        status = cli_report(CLI_FAILED, &err);
    } else {
        const kerf_json root = kerf_json_root(doc);
        char *text = kerf_json_object(&root, "plan", KERF_OPTIONAL, &plan)
                         ? json_dumps(plan.value, JSON_COMPACT | JSON_REAL_PRECISION(17))
                         : NULL;
        kerf_answer answer = {.json = text};
        if (text)
            snprintf(answer.cut_id, sizeof answer.cut_id, "%s",
                     json_string_value(json_object_get(plan.value, "cut_id"))
                         ? json_string_value(json_object_get(plan.value, "cut_id"))
                         : "");
        status = text ? print_answer(settings, &answer) : print_reply(settings, reply);
        free(text);
    }
    kerf_json_close(&doc);
    free(reply);
    return status;
}

static cli_exit ask(const cli_settings *settings, kerf_client *client, kerf_writer *w)
{
    static const char *const others[] = {"ping", "stats", "list", "describe", "observe"};
    const char *const *words = settings->arguments.items;
    const size_t n = settings->arguments.n;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(words[0], others[i]) == 0)
            return ask_other(settings, client, words[0], w);
    if (strcmp(words[0], "state") == 0)
        return ask_state(settings, client, w);
    if (strcmp(words[0], "watch") == 0)
        return n <= 2 || need(settings, 2, "watch [DEVICE-ID]")
                   ? watch(settings, client, n == 2 ? words[1] : NULL)
                   : CLI_USAGE;
    size_t at = 0; /* of the network */
    if (strcmp(words[0], "plan") == 0)
        at = 1;
    if (!need(settings, at + 1, at ? "plan NETWORK" : "NETWORK"))
        return CLI_USAGE;
    return ask_plan(settings, client, words[at], w);
}

cli_exit cli_ask(const cli_settings *settings)
{
    static const char *const usual[] = {USUAL_ENDPOINT};
    const bool given = settings->endpoints.n > 0;
    const kerf_client_options options = {.endpoints = given ? settings->endpoints.items : usual,
                                         .n_endpoints = given ? settings->endpoints.n : 1,
                                         .timeout_s = settings->timeout_s,
                                         .attempts = (size_t)settings->attempts,
                                         .server_key = settings->server_key,
                                         .client_secret = settings->curve_secret};
    kerf_error err = {0};
    kerf_client *client = NULL;
    kerf_writer w = {0};
    if (settings->variants || settings->limits.min_accuracy > 0)
        return cli_error(CLI_USAGE, "ask: --%s: the service has no variants to choose from",
                         settings->variants ? "variants" : "min-accuracy");
    if (kerf_client_create(&options, &client, &err) != KERF_OK)
        return cli_report(CLI_USAGE, &err);
    kw_begin(&w, '{');
    const cli_exit status = ask(settings, client, &w);
    free(w.text);
    kerf_client_destroy(&client);
    return status;
}
