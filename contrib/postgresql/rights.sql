-- The roles of docs/postgresql.md, and the least that each needs. Run it as the server's administrator, in the
-- store's database, once the first cmdlet that changes something has made the tables; and again after an update that
-- says so:
--
--   sudo -u postgres psql -d umpin -f rights.sql
--
-- Who owns the tables is the administrators' role; GRANT it to each of them. Grant the others to the roles that log in:
--   GRANT umpin_pbx TO pbx1, pbx2;

DO $$
BEGIN
  CREATE ROLE umpin_pbx NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
  CREATE ROLE umpin_helpdesk NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

-- The PBX signs people in. It adds to the audit trail and to the outbox, and reads neither.
GRANT USAGE ON SCHEMA ummailboxpin TO umpin_pbx;
GRANT SELECT ON ummailboxpin.setting, ummailboxpin.recipient, ummailboxpin.recipient_key, ummailboxpin.proxy_address,
  ummailboxpin.dial_plan, ummailboxpin.policy, ummailboxpin.um_mailbox, ummailboxpin.um_address TO umpin_pbx;
GRANT INSERT, UPDATE ON ummailboxpin.setting TO umpin_pbx;
GRANT SELECT, INSERT, UPDATE ON ummailboxpin.pin TO umpin_pbx;
GRANT SELECT, INSERT, UPDATE, DELETE ON ummailboxpin.pin_history, ummailboxpin.spray_mark TO umpin_pbx;
GRANT SELECT (recipient_id), INSERT, DELETE ON ummailboxpin.outbox TO umpin_pbx;
GRANT SELECT (seq, mac), INSERT ON ummailboxpin.audit TO umpin_pbx;
GRANT SELECT, INSERT, DELETE ON ummailboxpin.change_mark TO umpin_pbx;

-- The help desk sets and unlocks PINs, delivers their mails, and sees who is who. It reads no trail.
GRANT umpin_pbx TO umpin_helpdesk;
GRANT SELECT, UPDATE ON ummailboxpin.outbox TO umpin_helpdesk;
