"""What is told of a request, counted and journalled."""

from __future__ import annotations

import pytest

from adapters.upstreams.replay import Scripted
from domain.records import Arm, Canary, Deployment, Usage


async def test_the_exchange_says_what_happened(kit):
    """The journalled record has the client's bytes, the answer, the tokens and the sampling numbers."""
    async with kit.Gateway(student=[kit.answer("refund")], policies=kit.checks(output=("label",))) as gateway:
        reply = await gateway.chat("my input", seed=12345678901234567890)
        (exchange,) = await gateway.journalled()
    assert exchange.id == reply.headers["x-preceptor-id"]
    assert (exchange.task, exchange.arm, exchange.model) == ("intent", Arm.CHAMPION, "small-v1")
    assert exchange.at == gateway.clock.now_s()
    assert b"12345678901234567890" in exchange.request
    assert (exchange.input_text, exchange.output_text) == ("my input", "refund")
    assert (exchange.status, exchange.usable, exchange.stream) == (200, True, False)
    assert (exchange.finish_reason, exchange.usage) == ("stop", Usage(1000, 10))
    assert 0.0 <= exchange.draw < exchange.journal_rate == 1.0


async def test_overhead_leaves_waiting_for_models_out(kit):
    """Two slow models cost the client time that is not the gateway's."""
    gateway = kit.Gateway(student=lambda _: late(500), teacher=lambda _: late(200), policies=kit.checks())

    def late(status):
        gateway.clock.advance(2.0)
        return kit.answer("refund") if status == 200 else Scripted(status=status, chunks=(b"{}",))

    async with gateway:
        reply = await gateway.chat()
        (exchange,) = await gateway.journalled()
    assert reply.headers["x-preceptor-overhead-ms"] == "0.000"
    assert (exchange.latency_s, exchange.overhead_s) == (4.0, 0.0)


async def test_only_harmless_headers_are_passed_on(kit):
    """Trace and request id go to the upstream; the client's key and cookies do not."""
    headers = [
        (b"traceparent", b"t"),
        (b"tracestate", b"s"),
        (b"x-request-id", b"r"),
        (b"authorization", b"Bearer sk"),
        (b"cookie", b"c"),
    ]
    async with kit.Gateway(student=[kit.answer()], policies=kit.checks()) as gateway:
        reply = await gateway.chat(headers=headers)
    assert dict(gateway.student.requests[0].headers) == {
        b"traceparent": b"t",
        b"tracestate": b"s",
        b"x-request-id": b"r",
    }
    assert reply.headers["x-request-id"] == "r"


async def test_a_user_stays_with_one_student(kit):
    """All requests of a user go to the same arm; over the users the canary gets its share."""
    gateway = kit.Gateway(student=lambda _: kit.answer(), policies=kit.checks())
    gateway.store.deployed["intent"] = Deployment(
        task="intent", model="v2", reference_id="", at=1.0, by="", reason="", canary=Canary("v3", 0.3)
    )
    async with gateway:
        arms = {
            user: {(await gateway.chat(user=f"u{user}")).headers["x-preceptor-arm"] for _ in range(2)}
            for user in range(200)
        }
    assert all(len(seen) == 1 for seen in arms.values())
    assert 35 <= sum(seen == {"challenger"} for seen in arms.values()) <= 85


async def test_a_header_may_name_the_user(kit):
    """Where a sticky header is configured it decides, whatever the request says of its user."""
    gateway = kit.Gateway(student=lambda _: kit.answer(), policies=kit.checks(), sticky_header="X-User")
    gateway.store.deployed["intent"] = Deployment(
        task="intent", model="v2", reference_id="", at=1.0, by="", reason="", canary=Canary("v3", 0.5)
    )
    async with gateway:
        arms = {
            name: {
                (await gateway.chat(user=str(n), headers=[(b"x-user", name)])).headers["x-preceptor-arm"]
                for n in range(4)
            }
            for name in (b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h")
        }
    assert all(len(seen) == 1 for seen in arms.values())
    assert {arm for seen in arms.values() for arm in seen} == {"champion", "challenger"}


@pytest.mark.parametrize(
    ("configured", "sent", "tenant"),
    [
        ("X-Tenant", [(b"x-tenant", b"acme")], "acme"),
        ("X-Tenant", [(b"x-tenant", b"\xfc" * 300)], "\xfc" * 200),
        ("X-Tenant", [], ""),
        ("", [(b"x-tenant", b"acme")], ""),
    ],
)
async def test_the_tenant_is_what_its_header_says(kit, configured, sent, tenant):
    """The journal tells tenants apart only where a header is configured, and a name is bounded."""
    async with kit.Gateway(student=lambda _: kit.answer(), policies=kit.checks(), tenant_header=configured) as gateway:
        await gateway.chat(headers=sent)
        (exchange,) = await gateway.journalled()
    assert exchange.tenant == tenant


async def test_the_user_is_journalled_as_a_key(kit):
    """Who asked is told apart and never named: the field `user`, or the sticky header, of this task."""
    async with kit.Gateway(student=lambda _: kit.answer(), policies=kit.checks()) as gateway:
        for user in ("ada", "ada", "bob", None):
            await gateway.chat(**({} if user is None else {"user": user}))
    keys = [exchange.user for exchange in gateway.store.appended]
    assert keys[0] == keys[1] != keys[2]
    assert keys[3] == ""
    assert "ada" not in keys
