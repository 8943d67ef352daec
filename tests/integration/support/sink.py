"""A mail server for a test: takes what comes to 127.0.0.1:PORT into a maildir until standard input ends.

Second use, `sink.py read FOLDER`: what arrived, parsed by Python's own email package, as JSON.
"""

import email
import email.policy
import json
import mailbox
import sys


def serve(folder, port):
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Mailbox

    controller = Controller(Mailbox(folder), hostname="127.0.0.1", port=port, enable_SMTPUTF8=True)
    controller.start()
    print("ready", flush=True)
    sys.stdin.read()
    controller.stop()


def read(folder):
    def parse(file):
        return email.message_from_binary_file(file, policy=email.policy.default)

    found = []
    for message in mailbox.Maildir(folder, factory=parse, create=False):
        found.append(
            {
                "to": [address.addr_spec for address in message["To"].addresses],
                # The handler writes down the envelope's sender.
                "envelope": message["X-MailFrom"],
                "name": message["To"].addresses[0].display_name,
                "subject": message["Subject"],
                "id": message["Message-ID"],
                "language": message["Content-Language"],
                "auto": message["Auto-Submitted"],
                "plain": message.get_body(("plain",)).get_content(),
                "html": message.get_body(("html",)).get_content(),
                "defects": [str(d) for part in message.walk() for d in part.defects],
            }
        )
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1] == "read":
        read(sys.argv[2])
    else:
        serve(sys.argv[2], int(sys.argv[3]))
