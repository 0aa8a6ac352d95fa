# SPDX-License-Identifier: Apache-2.0
"""What test_openapi.py does with each operation: what it takes to get each of its answers. t is the test: request(operation,
status, ...) calls, checks against the document, and gives the JSON."""

import json

CASES = {}
MISSING = {"id": "00000000-0000-4000-8000-000000000000", "cmdId": "nothing", "ruleId": "00000000-0000-4000-8000-000000000000",
           "keyId": "00000000-0000-4000-8000-000000000000", "userId": "00000000-0000-4000-8000-000000000000",
           "tag": "nothing", "serial": "00", "requestId": "00000000-0000-4000-8000-000000000000",
           "tenantId": "00000000-0000-4000-8000-000000000000"}
FINISHED = {"request": {"finished": {}}}
RULE = {"name": "Lab", "tags": ["lab"], "commands": [FINISHED]}


class Case:
    def __init__(self, run, body):
        self.run = run
        self.body = body


def case(name, body=None, media_type=None):
    """body: one that the operation takes, for errors that have nothing to do with it."""
    def register(function):
        arguments = {} if body is None else {"body": body}
        if media_type:
            arguments["media_type"] = media_type
        CASES[name] = Case(function, arguments)
        return function
    return register


def claimed(t, n, tags=()):
    """A device of the team: the n-th."""
    device = t.world.devices[n]
    t.world.claim(device, tags=tags)
    return device


def one(device):
    return {"values": {"id": device.uuid}}


# ---- claims ----

def claim(t, name, first):
    device, other, unknown = t.world.devices[first:first + 3]
    made = t.request(name, 201, body={"claimToken": device.token, "tags": ["a"]})
    t.assertEqual((made["id"], made["tags"], made["status"]), (device.uuid, ["a"], "waiting"))
    again = t.request(name, 200, body={"claimToken": device.token, "tags": ["b"]})
    t.assertEqual(again["tags"], ["a", "b"])
    t.world.claim(other, role="other")
    t.request(name, 409, body={"claimToken": other.token})
    t.request(name, 422, body={"claimToken": "a.b"})
    t.request(name, 422, body="\"a\n", media_type="text/csv")
    t.request(name, 404, body={"claimToken": t.stranger.token})
    result = t.request(name, 200, body=f"\ufefftoken,tags\r\n\"{unknown.token}\",\"x|y\"\r\n{other.token}\r\nbad,x\r\n",
                       media_type="text/csv; charset=utf-8")
    t.assertEqual(result["claimedIds"], [unknown.uuid])
    t.assertEqual([(f["row"], f["status"]) for f in result["failed"]], [(3, 409), (4, 422)])


@case("claim")
def _(t):
    from world import Device, probe
    t.stranger = Device(probe("devices", "1").strip())
    claim(t, "claim", 0)


@case("claimAlias")
def _(t):
    claim(t, "claimAlias", 3)


def pages(t, name, key="items"):
    """All pages of one row each are the whole list."""
    whole = t.request(name, 200)
    got, query = [], "?pageLimit=1"
    while True:
        page = t.request(name, 200, query=query)
        t.assertLessEqual(len(page[key]), 1)
        t.assertEqual(page["total"], whole["total"])
        got += page[key]
        if "pageNextToken" not in page:
            break
        query = "?pageLimit=1&pageNextToken=" + page["pageNextToken"]
    t.assertEqual([i["id"] for i in got], [i["id"] for i in whole[key]])
    t.assertEqual(whole["total"], len(got))
    for bad in ("?pageLimit=0", "?pageLimit=1001", "?pageLimit=x", "?pageNextToken=x", "?status=gone", "?search=%ff",
                "?pageNextToken=ZTow"):
        t.request(name, 400, query=bad)


def filters(t, name):
    first = t.request(name, 200)["items"][0]
    for query in (f"?search={first['id'][4:12]}", f"?tag={first['tags'][0]}", "?status=waiting"):
        found = t.request(name, 200, query=query)
        t.assertIn(first["id"], [i["id"] for i in found["items"]])
    for query in ("?search=zzz", "?tag=zzz", "?status=blocked", "?search=%25", "?search=_"):
        found = t.request(name, 200, query=query)
        t.assertEqual((found["items"], found["total"]), ([], 0), query)


@case("listClaimed")
def _(t):
    pages(t, "listClaimed")
    filters(t, "listClaimed")


@case("listClaimedAlias")
def _(t):
    pages(t, "listClaimedAlias")


@case("getClaimed")
def _(t):
    device = claimed(t, 0)
    t.request("getClaimed", 200, values={"id": device.uuid.upper()})
    t.request("getClaimed", 404, **one(device), role="other")


@case("changeDevice", {"name": "x"})
def _(t):
    device = claimed(t, 0)
    changed = t.request("changeDevice", 200, **one(device), body={"name": "<b>\u00fc\U0001f600", "tags": ["x", "y"]})
    t.assertEqual((changed["name"], changed["tags"]), ("<b>\u00fc\U0001f600", ["x", "y"]))
    t.assertEqual(t.request("listClaimed", 200, query="?search=%3CB%3E")["total"], 1)
    changed = t.request("changeDevice", 200, **one(device), body={"name": None}, media_type="application/merge-patch+json")
    t.assertEqual((changed["name"], changed["tags"]), (None, ["x", "y"]))
    for bad in ({}, {"name": ""}, {"tags": "x"}, {"tags": None}, {"team": "x"}):
        t.request("changeDevice", 422, **one(device), body=bad)


@case("blockDevice")
def _(t):
    device = claimed(t, 0)
    t.assertEqual(t.request("blockDevice", 200, **one(device))["status"], "blocked")
    t.assertIsNotNone(t.request("blockDevice", 200, **one(device))["blockedAt"])
    t.assertEqual(t.request("listClaimed", 200, query="?status=blocked")["total"], 1)


@case("unblockDevice")
def _(t):
    device = claimed(t, 0)
    t.assertIsNone(t.request("unblockDevice", 200, **one(device))["blockedAt"])
    t.request("unblockDevice", 200, **one(device))


@case("addCommand", FINISHED)
def _(t):
    device = claimed(t, 7)
    made = t.request("addCommand", 201, **one(device), body={"description": "d", **FINISHED})
    t.assertEqual((made["status"], made["description"]), ("PENDING", "d"))
    for bad in ({}, {"request": {}}, {"request": {"nothing": {}}}, {"request": {"finished": {}}, "description": 1},
                {"request": {"cloudAccessKeyGeneration": {"secTag": -1}}}):
        t.request("addCommand", 422, **one(device), body=bad)
    for _n in range(19):
        t.request("addCommand", 201, **one(device), body=FINISHED)
    t.request("addCommand", 409, **one(device), body=FINISHED)


@case("listCommands")
def _(t):
    device = claimed(t, 7)
    t.assertEqual(len(t.request("listCommands", 200, **one(device))["items"]), 20)
    t.request("listCommands", 404, **one(device), role="other")


@case("getCommand")
def _(t):
    device = claimed(t, 7)
    first = t.request("listCommands", 200, **one(device))["items"][0]
    t.assertEqual(t.request("getCommand", 200, values={"id": device.uuid, "cmdId": first["id"]}), first)
    t.request("getCommand", 404, **one(device))
    t.request("getCommand", 404, values={"id": t.world.devices[0].uuid, "cmdId": first["id"]})


@case("deleteCommand")
def _(t):
    device = claimed(t, 7)
    items = t.request("listCommands", 200, **one(device))["items"]
    t.request("deleteCommand", 204, values={"id": device.uuid, "cmdId": items[0]["id"]})
    t.request("deleteCommand", 404, values={"id": device.uuid, "cmdId": items[0]["id"]})
    t.assertGreater(t.world.fetch(device), 0)
    t.request("deleteCommand", 409, values={"id": device.uuid, "cmdId": items[1]["id"]})


@case("resetDevice")
def _(t):
    device = claimed(t, 7)
    t.request("resetDevice", 200, **one(device))
    items = t.request("listCommands", 200, **one(device))["items"]
    t.assertEqual({(i["status"], i["error"]) for i in items}, {("FAILED", "dropped: its device was reset by an owner")})
    t.request("deleteCommand", 204, values={"id": device.uuid, "cmdId": items[0]["id"]})


@case("listEvents")
def _(t):
    device = claimed(t, 7)
    whole = t.request("listEvents", 200, **one(device))["items"]
    kinds = [e["kind"] for e in whole]
    t.assertEqual(kinds[:2], ["command-deleted", "reset"])
    t.assertEqual(kinds[-1], "claimed")
    got, query = [], "?pageLimit=7"
    while query:
        page = t.request("listEvents", 200, **one(device), query=query)
        got += page["items"]
        query = "pageNextToken" in page and "?pageLimit=7&pageNextToken=" + page["pageNextToken"]
    t.assertEqual(got, whole)
    t.request("listEvents", 404, **one(device), role="other")
    t.request("listEvents", 400, **one(device), query="?pageLimit=-1")


@case("transferDevice", {"tenantId": MISSING["id"]})
def _(t):
    device = claimed(t, 2, tags=["ours"])
    t.request("addCommand", 201, **one(device), body=FINISHED)
    t.request("patchState", 200, **one(device), body={"desired": {"a": 1}})
    team = t.request("getAccount", 200, role="other")["team"]["tenantId"]
    ours = t.request("getAccount", 200)["team"]["tenantId"]
    for bad in ({}, {"tenantId": 1}, {"tenantId": "x"}, {"tenantId": ours}, {"tenantId": MISSING["id"]}):
        t.request("transferDevice", 422, **one(device), body=bad)
    t.request("transferDevice", 403, **one(device), body={"tenantId": team}, role="editor")
    t.request("transferDevice", 204, **one(device), body={"tenantId": team})
    t.request("getClaimed", 404, **one(device))
    t.request("transferDevice", 404, **one(device), body={"tenantId": team})
    theirs = t.request("getClaimed", 200, **one(device), role="other")
    t.assertEqual((theirs["tags"], theirs["name"], theirs["ownerId"]), ([], None, team))
    t.assertEqual(t.request("listCommands", 200, **one(device), role="other")["items"], [])
    t.assertEqual(t.request("getState", 200, **one(device), role="other")["desired"], {})
    events = t.request("listEvents", 200, **one(device), role="other")["items"]
    t.assertEqual([(e["kind"], e["detail"]) for e in events], [("transferred", {"from": ours})])
    for role, action in (("admin", "device.transfer"), ("other", "device.receive")):
        entry = t.request("listAudit", 200, role=role, query="?pageLimit=1")["items"][0]
        t.assertEqual((entry["action"], entry["object"]), (action, device.uuid))


@case("unclaim")
def _(t):
    device = claimed(t, 5)
    t.request("unclaim", 404, **one(device), role="other")
    t.request("unclaim", 204, **one(device))
    t.request("unclaim", 404, **one(device))


# ---- rules and tags ----

@case("addRule", RULE)
def _(t):
    made = t.request("addRule", 201, body=RULE)
    t.assertFalse(made["builtIn"])
    for bad in ({}, {**RULE, "tags": []}, {**RULE, "commands": []}, {**RULE, "more": 1}, {**RULE, "name": ""},
                {**RULE, "active": 1}, {**RULE, "description": None}):
        t.request("addRule", 422, body=bad)


@case("listRules")
def _(t):
    items = t.request("listRules", 200)["items"]
    t.assertTrue(items[0]["builtIn"])
    t.assertEqual(len(t.request("listRules", 200, role="other")["items"]), 1)


@case("getRule")
def _(t):
    rule = t.request("addRule", 201, body=RULE)
    t.assertEqual(t.request("getRule", 200, values={"ruleId": rule["id"]}), rule)
    t.request("getRule", 200, values={"ruleId": "nrf-cloud-onboarding"})
    t.request("getRule", 404, values={"ruleId": rule["id"]}, role="other")


@case("putRule", RULE)
def _(t):
    rule = t.request("addRule", 201, body=RULE)
    put = t.request("putRule", 200, values={"ruleId": rule["id"]}, body={**RULE, "name": "Other", "active": False})
    t.assertEqual({**rule, "name": "Other", "active": False}, put)
    t.request("putRule", 404, values={"ruleId": rule["id"]}, body=RULE, role="other")
    t.request("putRule", 409, values={"ruleId": "nrf-cloud-onboarding"}, body=RULE)
    t.request("putRule", 422, values={"ruleId": rule["id"]}, body={"name": "x"})


@case("deleteRule")
def _(t):
    rule = t.request("addRule", 201, body=RULE)
    t.request("deleteRule", 404, values={"ruleId": rule["id"]}, role="other")
    t.request("deleteRule", 204, values={"ruleId": rule["id"]})
    t.request("deleteRule", 404, values={"ruleId": rule["id"]})
    t.request("deleteRule", 409, values={"ruleId": "nrf-cloud-onboarding"})


@case("addTag", {"tag": "x"})
def _(t):
    t.request("addTag", 201, body={"tag": "lab:1", "description": "first"})
    t.request("addTag", 200, body={"tag": "lab:1", "description": "second"})
    for bad in ({}, {"tag": "a b"}, {"tag": 1}, {"tag": "t" * 65}, {"tag": "t", "description": "d" * 257}):
        t.request("addTag", 422, body=bad)


@case("listTags")
def _(t):
    t.assertEqual(t.request("listTags", 200)["items"], [{"tag": "lab:1", "description": "second"}])
    t.assertEqual(t.request("listTags", 200, role="other")["items"], [])


@case("deleteTag")
def _(t):
    t.request("deleteTag", 404, values={"tag": "lab:1"}, role="other")
    t.request("deleteTag", 204, values={"tag": "lab%3A1"})
    t.request("deleteTag", 404, values={"tag": "lab:1"})


# ---- devices ----

@case("listDevices")
def _(t):
    pages(t, "listDevices")


@case("onboardDevices", "x", "text/csv")
def _(t):
    listed, stranger = "11111111-1111-4111-8111-111111111111", t.world.devices[6]
    pem = t.world.public_key(t)
    rows = (f"{listed},thing,a|b,\"APP|MODEM\",\"{pem}\"\r\n"      # new
            f"{stranger.uuid},thing,,APP,\"{pem}\"\n"                # known from its factory
            f"x,thing,,APP,\"{pem}\"\n"                              # no id
            f"{listed},thing,a b,APP,\"{pem}\"\n"                    # no tag
            f"{listed},thing,,APP,key\n"                             # no key
            f"{listed},thing\n")
    result = t.request("onboardDevices", 202, body=rows, media_type="text/csv")
    t.assertEqual(result["onboardedIds"], [listed])
    t.assertEqual([(f["row"], f["status"]) for f in result["failed"]], [(2, 409), (3, 422), (4, 422), (5, 422), (6, 422)])
    again = t.request("onboardDevices", 202, body=rows.partition("\r\n")[0], media_type="application/octet-stream")
    t.assertEqual((again["onboardedIds"], again["failed"]), ([listed], []))
    other = t.request("onboardDevices", 202, body=rows.partition("\r\n")[0], media_type="text/plain", role="other")
    t.assertEqual([f["status"] for f in other["failed"]], [409])
    device = t.request("getDevice", 200, values={"id": listed})
    t.assertEqual((device["subType"], device["tags"], device["cloudAccess"]["secTag"]), ("thing", ["a", "b"], 16842753))
    t.request("onboardDevices", 422, body="", media_type="text/csv")
    t.request("onboardDevices", 422, body="a\n" * 1002, media_type="text/csv")
    t.bulk, t.bulk_good = result["bulkOpsRequestId"], again["bulkOpsRequestId"]


@case("getBulkOps")
def _(t):
    good = t.request("getBulkOps", 200, values={"requestId": t.bulk_good})
    t.assertEqual((good["status"], good.get("errorSummaryUrl")), ("SUCCEEDED", None))
    bad = t.request("getBulkOps", 200, values={"requestId": t.bulk})
    t.assertEqual(bad["status"], "FAILED")
    t.assertTrue(bad["errorSummaryUrl"].startswith(f"http://127.0.0.1:{t.world.service.rest_port}/v1/"))
    t.request("getBulkOps", 404, values={"requestId": t.bulk}, role="other")


@case("getBulkOpsErrors")
def _(t):
    team = t.request("getAccount", 200)["team"]["tenantId"]
    errors = t.request("getBulkOpsErrors", 200, values={"requestId": t.bulk, "tenantId": team})["errors"]
    t.assertEqual([e.partition(":")[0] for e in errors], ["[1]", "[2]", "[3]", "[4]", "[5]"])
    t.request("getBulkOpsErrors", 404, values={"requestId": t.bulk})


@case("getDevice")
def _(t):
    device = claimed(t, 0)
    t.request("getDevice", 200, **one(device))
    t.request("getDevice", 404, **one(device), role="other")


@case("nameDevice", ["x"])
def _(t):
    device = claimed(t, 0)
    t.assertEqual(t.request("nameDevice", 200, **one(device), body=["first"])["name"], "first")
    for bad in ([], ["a", "b"], [1], {}, "\"a\""):
        t.request("nameDevice", 422, **one(device), body=bad, media_type="application/json")


@case("patchState", {"desired": {}})
def _(t):
    device = claimed(t, 0)
    t.request("patchState", 200, **one(device), body={"desired": {"a": {"b": 1, "c": 2}}})
    state = t.request("patchState", 200, **one(device), body={"desired": {"a": {"b": None}}},
                      media_type="application/merge-patch+json")["state"]
    t.assertEqual((state["desired"], state["version"]), ({"a": {"c": 2}}, 2))
    for bad in ({}, {"other": {}}, {"desired": 1}, {"desired": {"a": "x" * 9000}}):
        t.request("patchState", 422, **one(device), body=bad)


@case("getState")
def _(t):
    device = claimed(t, 0)
    t.assertEqual(t.request("getState", 200, **one(device))["desired"], {"a": {"c": 2}})
    t.request("getState", 404, **one(device), role="other")


# ---- the team ----

@case("getAccount")
def _(t):
    mine = t.request("getAccount", 200, role="editor")
    t.assertEqual((mine["role"], mine["name"], mine["userId"]), ("editor", "editor of default", None))


@case("addApiKey", {"name": "x", "role": "viewer"})
def _(t):
    made = t.request("addApiKey", 201, body={"name": "new", "role": "viewer"})
    t.request("listDevices", 200, key=made["key"])
    t.request("listApiKeys", 403, key=made["key"])
    for bad in ({}, {"name": "x"}, {"role": "viewer"}, {"name": "x", "role": "root"}, {"name": "x", "role": "viewer", "id": "x"}):
        t.request("addApiKey", 422, body=bad)
    t.made_key = made


@case("listApiKeys")
def _(t):
    keys = t.request("listApiKeys", 200)["items"]
    t.assertIn(t.made_key["id"], [k["id"] for k in keys])
    t.assertNotIn(t.made_key["id"], [k["id"] for k in t.request("listApiKeys", 200, role="other")["items"]])


@case("deleteApiKey")
def _(t):
    t.request("deleteApiKey", 404, values={"keyId": t.made_key["id"]}, role="other")
    t.request("deleteApiKey", 204, values={"keyId": t.made_key["id"]})
    t.request("deleteApiKey", 404, values={"keyId": t.made_key["id"]})
    t.request("listDevices", 401, key=t.made_key["key"])


@case("listUsers")
def _(t):
    t.request("listUsers", 200)


@case("listAudit")
def _(t):
    whole = t.request("listAudit", 200, query="?pageLimit=1000")["items"]
    got, query = [], "?pageLimit=10"
    while query:
        page = t.request("listAudit", 200, query=query)
        got += page["items"]
        query = "pageNextToken" in page and "?pageLimit=10&pageNextToken=" + page["pageNextToken"]
    t.assertEqual(got, whole)
    t.assertTrue({"device.claim", "device.change", "device.block", "device.unblock", "device.reset", "device.transfer",
                  "device.unclaim", "device.onboard", "command.add", "command.delete", "rule.create", "rule.replace",
                  "rule.delete", "tag.put", "tag.delete", "state.change", "apikey.create", "apikey.delete",
                  "devices.onboard"} <= {e["action"] for e in whole})
    t.assertEqual({e["address"] for e in whole}, {"127.0.0.1"})
    t.assertEqual({e["actor"].partition(":")[0] for e in whole}, {"key"})
    text = str(whole)
    t.assertNotIn(t.made_key["key"], text)


@case("getOpenapi")
def _(t):
    t.request("getOpenapi", 200)


# ---- users, and who signs in ----

NEW_USER = {"name": "new", "role": "viewer", "password": "correct horse battery"}


@case("addUser", NEW_USER)
def _(t):
    t.made_user = t.request("addUser", 201, body=NEW_USER)
    t.request("addUser", 409, body=NEW_USER)
    t.request("addUser", 409, body=NEW_USER, role="other")
    for bad in ({}, {**NEW_USER, "password": "short"}, {**NEW_USER, "role": "owner"}, {**NEW_USER, "name": ""},
                {**NEW_USER, "password": "p" * 129}, {**NEW_USER, "id": "x"}):
        t.request("addUser", 422, body=bad)
    t.assertIn(t.made_user, t.request("listUsers", 200)["items"])


@case("changeUser", {"role": "viewer"})
def _(t):
    user = {"values": {"userId": t.made_user["id"]}}
    t.assertEqual(t.request("changeUser", 200, **user, body={"role": "editor"})["role"], "editor")
    t.request("changeUser", 200, **user, body={"password": "another horse battery"})
    t.request("changeUser", 404, **user, body={"role": "admin"}, role="other")
    for bad in ({}, {"role": "root"}, {"password": "x"}, {"name": "x"}):
        t.request("changeUser", 422, **user, body=bad)


def browser(t, **headers):
    return {"headers": {**t.browser, **headers}}


SIGN_IN = {"user": "new", "password": "another horse battery"}


@case("signIn", SIGN_IN)
def _(t):
    answer = t.world.call("POST", "/v1/session", SIGN_IN, headers=browser(t)["headers"])
    t.document.check("signIn", answer)
    t.assertEqual(answer.status, 201, answer.body)
    t.seen.add(("signIn", 201))
    cookie = answer.headers["Set-Cookie"]
    for word in ("onboard_session=", "HttpOnly", "SameSite=Strict", "Path=/"):
        t.assertIn(word, cookie)
    t.session = {"Cookie": cookie.partition(";")[0]}
    t.token = {"X-CSRF-Token": answer.json()["csrfToken"]}
    t.assertNotIn(t.session["Cookie"].partition("=")[2], answer.body.decode())
    t.request("signIn", 422, body={}, **browser(t))
    t.request("signIn", 401, body={**SIGN_IN, "password": "wrong horse battery"}, **browser(t))
    t.request("signIn", 403, body=SIGN_IN, **browser(t, Origin="http://evil.example"))
    t.request("signIn", 421, body=SIGN_IN, **browser(t, Host="evil.example"))
    for _n in range(50):
        answer = t.world.call("POST", "/v1/session", {"user": "nobody", "password": "wrong horse battery"},
                              headers=browser(t)["headers"])
        if answer.status == 429:
            break
    t.assertGreater(int(answer.headers["Retry-After"]), 0)
    t.request("signIn", 429, body={"user": "nobody", "password": "wrong horse battery"}, **browser(t))


@case("getSession")
def _(t):
    t.assertEqual(t.request("getSession", 200, **browser(t, **t.session))["user"]["name"], "new")
    t.request("getSession", 401, **browser(t))
    t.request("getSession", 421, **browser(t, Host="evil.example", **t.session))
    # With the cookie, the rights are the user's: those of an editor.
    t.assertEqual(t.request("getAccount", 200, role="none", **browser(t, **t.session))["userId"], t.made_user["id"])
    t.request("listAudit", 403, role="none", **browser(t, **t.session))
    t.request("addTag", 403, role="none", body={"tag": "x"}, **browser(t, **t.session))
    t.request("addTag", 201, role="none", body={"tag": "x"}, **browser(t, **t.session, **t.token))


def sees_events(t, headers, key=None):
    """What a stream says until a change shows in it."""
    connection = t.world.connect()
    sent = {**headers, **({"Authorization": "Bearer " + key} if key else {})}
    connection.request("GET", "/v1/events", headers=sent)
    answer = connection.getresponse()
    t.assertEqual((answer.status, answer.headers["Content-Type"].partition(";")[0]), (200, "text/event-stream"))
    t.seen.add(("watchEvents", 200))
    device = claimed(t, 0)
    t.request("blockDevice", 200, **one(device))
    t.request("unblockDevice", 200, **one(device))
    kinds = []
    while "unblocked" not in kinds:
        line = answer.readline().decode()
        if line.startswith("data: "):
            event = json.loads(line[6:])
            t.document.validate({"$ref": "#/components/schemas/Event"}, event, "watchEvents")
            kinds.append(event["kind"])
    t.assertEqual(kinds, ["blocked", "unblocked"])
    connection.close()


@case("watchEvents")
def _(t):
    sees_events(t, {}, t.world.keys["viewer"])
    sees_events(t, browser(t, **t.session)["headers"])
    t.request("watchEvents", 400, query="?after=x")
    held = []
    while True:
        connection = t.world.connect()
        held.append(connection)
        connection.request("GET", "/v1/events", headers={"Authorization": "Bearer " + t.world.keys["editor"]})
        if connection.getresponse().status != 200:
            break
        t.assertLess(len(held), 100)
    t.request("watchEvents", 429, role="editor")
    for connection in held:
        connection.close()


@case("signOut")
def _(t):
    t.request("signOut", 403, **browser(t, **t.session))
    t.request("signOut", 421, **browser(t, Host="evil.example", **t.session))
    t.request("signOut", 204, **browser(t, **t.session, **t.token))
    t.request("getSession", 401, **browser(t, **t.session))
    t.request("signOut", 204, **browser(t))


@case("deleteUser")
def _(t):
    user = {"values": {"userId": t.made_user["id"]}}
    t.request("deleteUser", 404, **user, role="other")
    t.request("deleteUser", 204, **user)
    t.assertNotIn(t.made_user["id"], [u["id"] for u in t.request("listUsers", 200)["items"]])


# ---- certificates ----

@case("listCertificates")
def _(t):
    device = claimed(t, 0)
    t.assertEqual(t.request("listCertificates", 200, **one(device))["items"], [])
    t.world.certify(device, "0a" * 20)
    found = t.request("listCertificates", 200, **one(device))["items"]
    t.assertEqual([(c["serial"], c["status"]) for c in found], [("0a" * 20, "valid")])
    t.request("listCertificates", 404, **one(device), role="other")


@case("revokeCertificate", {})
def _(t):
    certificate = {"values": {"id": t.world.devices[0].uuid, "serial": "0A" * 20}}
    t.request("revokeCertificate", 422, **certificate, body={"reason": "because"})
    t.request("revokeCertificate", 404, **certificate, role="other")
    revoked = t.request("revokeCertificate", 200, **certificate, body={"reason": "superseded"})
    t.assertEqual((revoked["status"], revoked["reason"]), ("revoked", "superseded"))
    t.assertEqual(t.request("revokeCertificate", 200, **certificate), revoked)


@case("getCaCertificate")
def _(t):
    t.assertIn(b"BEGIN CERTIFICATE", t.request("getCaCertificate", 200).body)


@case("getCrl")
def _(t):
    t.assertEqual(t.request("getCrl", 200).body[:1], b"\x30")


# ---- devices over HTTPS ----

CBOR = "application/cbor"


def cloud(t):
    return {"key": t.world.keys["cloud"]}


@case("deviceLogin")
def _(t):
    answer = t.request("deviceLogin", 201, query="?mver=1.0&cver=2&dver=1")
    age = int(answer.headers["Cache-Control"].partition("max-age=")[2])
    t.assertTrue(0 < age <= 300, "longer than the token is good")
    t.request("deviceLogin", 401, key=t.world.devices[9].jwt)
    t.request("deviceLogin", 403, key=t.world.keys["cloud"])


@case("deviceFetch")
def _(t):
    device = t.world.devices[-1]
    t.request("deviceFetch", 204)
    t.request("addCommand", 201, **one(device), body=FINISHED)
    answer = t.request("deviceFetch", 200, query="?after=&rxMaxSize=1024&txMaxSize=2048&limit=5", headers={"Accept": CBOR})
    t.assertEqual(answer.body[:2], b"\x81\x82", "one command of two items")
    t.command = answer.body[4:4 + answer.body[3]]
    t.request("deviceFetch", 406, headers={"Accept": "text/html"})
    for bad in ("?limit=x", "?rxMaxSize=0", "?after=" + "a" * 46, "?limit=1&limit=2", "?delta=true"):
        t.request("deviceFetch", 400, query=bad)
    t.request("deviceFetch", 401, key=t.world.devices[9].jwt)


@case("deviceReport", b"\x80", CBOR)
def _(t):
    report = b"\x81\x82\x78" + bytes([len(t.command)]) + t.command + b"\x18\x66"
    t.request("deviceReport", 200, body=report, media_type=CBOR)
    t.request("deviceReport", 200, body=report, media_type=CBOR)
    t.assertEqual(t.request("getCommand", 200, values={"id": t.world.devices[-1].uuid, "cmdId": t.command.decode()})["status"],
                  "SUCCEEDED")
    t.request("deviceFetch", 204)
    t.request("deviceReport", 400, body=b"\xff", media_type=CBOR)


@case("deviceCloudLogin")
def _(t):
    t.request("deviceCloudLogin", 201, **cloud(t))
    t.request("deviceCloudLogin", 403, key=t.world.devices[-1].jwt)


@case("deviceState")
def _(t):
    device = t.world.devices[-1]
    t.request("deviceState", 204, **cloud(t))
    t.request("patchState", 200, **one(device), body={"desired": {"a": 1}})
    answer = t.request("deviceState", 200, **cloud(t))
    t.assertEqual((answer.media_type, answer.body), (CBOR, b"\xa1aa\x01"))
    t.assertEqual(t.request("deviceState", 200, **cloud(t), headers={"Accept": "application/json"}, query="?delta=false"), {"a": 1})
    t.request("deviceState", 406, **cloud(t), headers={"Accept": "text/html"})
    t.request("deviceState", 400, **cloud(t), query="?delta=x")


@case("deviceReportState", {"a": 1})
def _(t):
    t.request("deviceReportState", 200, **cloud(t), body=b"\xa1aa\x01", media_type=CBOR)
    t.request("deviceState", 204, **cloud(t))
    t.request("deviceReportState", 200, **cloud(t), body={"a": None, "b": 2})
    t.assertEqual(t.request("getState", 200, **one(t.world.devices[-1]))["reported"], {"b": 2})
    t.request("deviceReportState", 400, **cloud(t), body=b"\xff", media_type=CBOR)


@case("deviceRefuseState", {"a": 1})
def _(t):
    t.request("deviceRefuseState", 200, **cloud(t), body={"a": None})
    t.assertEqual(t.request("getState", 200, **one(t.world.devices[-1]))["desired"], {})
    t.request("deviceRefuseState", 400, **cloud(t), body=b"", media_type=CBOR)
