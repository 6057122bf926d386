#!/usr/bin/env python3
"""An agency system in Python, written from proto/README.md alone.

It speaks for two agencies: the sender submits, the recipient receives and
acknowledges, and both check every signature they are given. One line `ok ...`
a step; exit status 0 only when every step held.

    python client.py SENDER/client.toml RECIPIENT/client.toml [--endpoint URL]
"""

import argparse
import hashlib
import pathlib
import queue
import sys
import tempfile

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from account import Account
from compose import Draft
from signing import VerificationFailed, VerifyingKey
from stubs import generate

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
DEADLINE_S = 30


class Failed(Exception):
    """A step of the exchange did not hold."""


def require(condition, sentence):
    """Ends the run with a sentence unless the condition holds."""
    if not condition:
        raise Failed(sentence)


def step(text):
    """Reports one step that held."""
    print(f"ok {text}", flush=True)


class EvidenceBook:
    """Verifies evidence by the keys of the node that issued it."""

    def __init__(self, api, node_info):
        self.api = api
        self.node = node_info.node
        self.keys = {}
        for key in node_info.evidence_keys:
            verifying = VerifyingKey.from_spki(key.spki)
            require(verifying.keyid == key.keyid, "a keyid is not that of its key")
            self.keys[key.keyid] = verifying
        require(self.keys, "the node names no evidence key")

    def verified(self, signed):
        """The statement inside signed evidence, after checking its signature."""
        require(signed.WhichOneof("proof") == "single", "evidence comes with no single signature")
        envelope = signed.single
        require(envelope.payload == signed.evidence, "the envelope signs other bytes")
        require(len(envelope.signatures) == 1, "evidence carries not exactly one signature")
        signature = envelope.signatures[0]
        require(signature.keyid in self.keys, "evidence is signed by a key the node does not name")
        key = self.keys[signature.keyid]
        key.verify("evidence", envelope.payload_type, envelope.payload, signature.sig)
        statement = self.api.evidence.Evidence.FromString(signed.evidence)
        require(statement.issuer == self.node, "evidence names another issuer")
        return statement

    def about(self, signed, event, message, origin):
        """Verified evidence of one event about exactly this message."""
        statement = self.verified(signed)
        wanted = self.api.evidence.Event.Value(event)
        require(statement.event == wanted, f"the evidence is not {event}")
        header = self.api.header.Header.FromString(message.envelope.payload)
        require(statement.origin_agency == origin, "evidence names another origin")
        require(statement.message_id == header.identity.message_id, "evidence names another id")
        digest = hashlib.sha256(message.envelope.payload).digest()
        require(statement.header_digest == digest, "evidence names another header")
        return statement


def verify_message(api, message, sender_key, sender):
    """What a recipient checks before it believes a message."""
    envelope = message.envelope
    require(len(envelope.signatures) == 1, "the message carries not exactly one signature")
    signature = envelope.signatures[0]
    require(signature.keyid == sender_key.keyid, "the message is signed by another key")
    sender_key.verify("header", envelope.payload_type, envelope.payload, signature.sig)
    header = api.header.Header.FromString(envelope.payload)
    require(header.SerializeToString() == envelope.payload, "the header is not canonical")
    require(header.originator.address == sender, "the header names another originator")
    body = header.content.body
    require(body.size == len(message.body), "the body has another size than the header says")
    require(body.sha256 == hashlib.sha256(message.body).digest(), "the body is another one")


def submit(api, stub, message):
    """Submits one message; submitting the same bytes again is always safe."""
    request = api.exchange.SubmitMessageRequest(message=message)
    return stub.SubmitMessage(request, timeout=DEADLINE_S)


def choose_agreement(api, node_info, sender, recipient):
    """An agreement that covers an alert from sender to recipient."""
    alert = api.header.KIND_ALERT
    for agreement in node_info.agreements:
        if {sender, recipient} <= set(agreement.parties) and alert in agreement.kinds:
            return agreement
    raise Failed(f"no agreement covers alerts between {sender} and {recipient}")


def receive_and_acknowledge(api, stub, book, sent, sender, sender_key, recipient):
    """Takes the sent messages out of the recipient's inbox, in order of sending."""
    commands = queue.SimpleQueue()
    request = api.exchange.ReceiveMessagesRequest
    commands.put(request(open=api.exchange.OpenInbox(inbox=recipient)))
    events = stub.ReceiveMessages(iter(commands.get, None), timeout=DEADLINE_S)
    waiting = {m.envelope.payload: m for m in sent}
    leased = {}
    finals = []
    for event in events:
        match event.WhichOneof("event"):
            case "hand_out":
                hand_out = event.hand_out
                payload = hand_out.message.envelope.payload
                require(payload in waiting, "a message came that was not sent, or came twice")
                require(payload == next(iter(waiting)), "messages came in another order")
                message = waiting.pop(payload)
                require(hand_out.message == message, "the message is not the one that was signed")
                same = hand_out.message.SerializeToString() == message.SerializeToString()
                require(same, "the message's bytes differ from those that were sent")
                require(not hand_out.redelivered, "a first hand-out is marked redelivered")
                verify_message(api, hand_out.message, sender_key, sender)
                book.about(hand_out.acceptance, "EVENT_SUBMISSION_ACCEPTED", message, sender)
                # The message is safe here now: this is where a real system writes it down.
                leased[hand_out.lease] = message
                commands.put(request(ack=api.exchange.Ack(lease=hand_out.lease)))
            case "lease_result":
                result = event.lease_result
                require(result.WhichOneof("result") == "evidence", f"an ack failed: {result}")
                message = leased.pop(result.lease)
                final = book.about(result.evidence, "EVENT_HANDED_OVER", message, sender)
                require(final.recipient == recipient, "HANDED_OVER names another recipient")
                finals.append(result.evidence.evidence)
                if not waiting and not leased:
                    break
            case "heartbeat" | "evidence":
                pass
            case "closing":
                raise Failed(f"the node closed the stream: {event.closing.message}")
            case other:
                raise Failed(f"an unknown event: {other}")
    commands.put(None)
    events.cancel()
    require(not waiting and not leased, "the stream ended before every message was acknowledged")
    return finals


def read_evidence(api, stub, book, sender):
    """All evidence about the sender's messages, with the cursors in their order."""
    request = api.exchange.ReceiveEvidenceRequest(agency=sender)
    statements, raw = [], []
    for event in stub.ReceiveEvidence(request, timeout=DEADLINE_S):
        if event.WhichOneof("event") != "evidence":
            continue
        require(event.evidence.cursor, "evidence comes without a cursor")
        statements.append(book.verified(event.evidence.evidence))
        raw.append(event.evidence.evidence.evidence)
    return statements, raw


def expect_conflict(api, stub, message):
    """Another body under an id already used must be refused."""
    try:
        submit(api, stub, message)
    except grpc.RpcError as error:
        require(error.code() == grpc.StatusCode.ALREADY_EXISTS, f"refused with {error.code()}")
        info = error_details_pb2.ErrorInfo()
        details = rpc_status.from_call(error).details
        require(any(detail.Unpack(info) for detail in details), "the refusal has no ErrorInfo")
        require(info.domain == "barid", f"the refusal's domain is {info.domain}")
        return info.reason
    raise Failed("another body under the same id was accepted")


def exchange(api, sender, recipient):
    """The whole exchange, step by step."""
    with sender.channel(PROTO) as sending, recipient.channel(PROTO) as receiving:
        sender_stub = api.exchange_grpc.ExchangeServiceStub(sending)
        recipient_stub = api.exchange_grpc.ExchangeServiceStub(receiving)

        info = sender_stub.GetNodeInfo(api.exchange.GetNodeInfoRequest(), timeout=DEADLINE_S)
        require(info.node == sender.node, f"this is the node {info.node}, not {sender.node}")
        require(sender.address in info.addresses, "the sender may not send as itself")
        book = EvidenceBook(api, info)
        step(f"node {info.node} {info.program_version}, {len(info.evidence_keys)} evidence key(s)")

        agreement = choose_agreement(api, info, sender.address, recipient.address)
        draft = Draft(api, sender, recipient.address, agreement)
        first = draft.smallest()
        full = draft.complete(after=first)
        header = api.header.Header.FromString(full.envelope.payload)
        step(f"composed and signed {header.identity.message_id} with every header field")

        receipts = []
        for message in (first, full):
            response = submit(api, sender_stub, message)
            require(not response.repeated_submission, "a first submission is called a repeat")
            book.about(response.receipt, "EVENT_SUBMISSION_ACCEPTED", message, sender.address)
            receipts.append(response.receipt.evidence)
        step("submitted two messages, and verified both receipts")

        finals = receive_and_acknowledge(
            api, recipient_stub, book, [first, full],
            sender.address, sender.signing_key.public(), recipient.address,
        )
        step("received the same bytes, verified and acknowledged them: HANDED_OVER")

        statements, raw = read_evidence(api, sender_stub, book, sender.address)
        require(all(one in raw for one in receipts + finals), "evidence is missing at the sender")
        step(f"read and verified {len(statements)} pieces of evidence as the sender")

        again = submit(api, sender_stub, full)
        require(again.repeated_submission, "a repeat is not called one")
        require(again.receipt.evidence == receipts[1], "a repeat got another receipt")
        step("submitted the same bytes again: the same receipt")

        other = draft.smallest(message_id=header.identity.message_id, headline="Something else")
        reason = expect_conflict(api, sender_stub, other)
        require(reason == "DUPLICATE_ID_CONFLICT", f"refused for {reason}")
        step("submitted another body under the same id: refused, ALREADY_EXISTS")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sender", type=pathlib.Path, help="client.toml of the sender")
    parser.add_argument("recipient", type=pathlib.Path, help="client.toml of the recipient")
    parser.add_argument("--endpoint", help="https://HOST:PORT, in place of the files' own")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="barid-stubs-") as folder:
        api = generate(PROTO, folder)
        sender = Account.load(arguments.sender, arguments.endpoint)
        recipient = Account.load(arguments.recipient, arguments.endpoint)
        try:
            exchange(api, sender, recipient)
        except (Failed, VerificationFailed) as failure:
            print(f"failed: {failure}", file=sys.stderr)
            return 1
        except grpc.RpcError as error:
            print(f"failed: {error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
