BEGIN TRANSACTION;
CREATE TABLE actions (
	workspace_id TEXT NOT NULL, 
	trigger_key TEXT NOT NULL, 
	delivery_id TEXT NOT NULL, 
	acted_at BIGINT NOT NULL, 
	CONSTRAINT actions_pk PRIMARY KEY (workspace_id, trigger_key)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0006');
CREATE TABLE audit (
	no INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	by_kind TEXT NOT NULL, 
	by_name TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	act TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	workspace_name TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	facts TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT audit_pk PRIMARY KEY (no)
);
INSERT INTO "audit" VALUES(1,1795521600123456,'shell','shell','shell','user.linked','ws','ws.example.org','person-1','done','{"role":"user"}','0000000000000000000000000000000000000000000000000000000000000000','c314c3ecc645dbf86b949447cda0aa8c8a927cb22dfbe380f016b4e944ca60d0');
CREATE TABLE breakers (
	agent TEXT NOT NULL, 
	opened_at BIGINT NOT NULL, 
	due_at BIGINT NOT NULL, 
	probe_run_id TEXT, 
	CONSTRAINT breakers_pk PRIMARY KEY (agent)
);
CREATE TABLE budgets (
	workspace_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	level FLOAT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT budgets_pk PRIMARY KEY (workspace_id, name), 
	CONSTRAINT budgets_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE checkpoints (
	workspace_id TEXT NOT NULL, 
	begun_at BIGINT NOT NULL, 
	seen_until BIGINT NOT NULL, 
	looked_at BIGINT, 
	calls_count INTEGER NOT NULL, 
	calls_since BIGINT NOT NULL, 
	CONSTRAINT checkpoints_pk PRIMARY KEY (workspace_id), 
	CONSTRAINT checkpoints_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE conversations (
	id TEXT NOT NULL, 
	workspace_id TEXT NOT NULL, 
	issue_id TEXT NOT NULL, 
	issue_key TEXT NOT NULL, 
	state TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	asker TEXT NOT NULL, 
	visibility TEXT NOT NULL, 
	asked TEXT, 
	repository_id TEXT, 
	repository_name TEXT NOT NULL, 
	branch TEXT NOT NULL, 
	base TEXT NOT NULL, 
	session TEXT NOT NULL, 
	first_answer TEXT, 
	result TEXT NOT NULL, 
	context_until BIGINT, 
	previous_id TEXT, 
	runs_count INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, 
	CONSTRAINT conversations_pk PRIMARY KEY (id), 
	CONSTRAINT conversations_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "conversations" VALUES('c1','ws','1','PAY-1','active','local','{"id":"ada-id","name":"ada","display_name":"Ada Lovelace","email":"ada@example.org","app":false}','{"to":"public"}',NULL,NULL,'','','','{}',NULL,'',NULL,NULL,0,1795521600123456,1795521600123456);
CREATE TABLE deliveries (
	no INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id TEXT NOT NULL, 
	workspace_id TEXT NOT NULL, 
	lane_id TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	issue_id TEXT, 
	issue_key TEXT, 
	state TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	text TEXT NOT NULL, 
	steps TEXT NOT NULL, 
	trigger_key TEXT, 
	conversation_id TEXT, 
	attempts INTEGER NOT NULL, 
	due_at BIGINT NOT NULL, 
	received_at BIGINT NOT NULL, 
	handled_at BIGINT, 
	replay_of TEXT, 
	headers TEXT NOT NULL, 
	body BLOB, 
	spool TEXT, origin TEXT DEFAULT 'webhook' NOT NULL, 
	CONSTRAINT deliveries_id_key UNIQUE (id), 
	CONSTRAINT deliveries_fingerprint_key UNIQUE (workspace_id, fingerprint)
);
INSERT INTO "deliveries" VALUES(1,'d1','ws','ws/1','fingerprint of d1','comment_created','1','PAY-1','received','','','','[]',NULL,NULL,0,1795521600123456,1795521600123456,NULL,NULL,'{"content-type":"application/json"}',X'7B7D',NULL,'webhook');
CREATE TABLE lanes (
	id TEXT NOT NULL, 
	workspace_id TEXT NOT NULL, 
	issue_id TEXT, 
	state TEXT NOT NULL, 
	ready_at BIGINT NOT NULL, 
	owner TEXT NOT NULL, 
	epoch BIGINT NOT NULL, 
	lease_until BIGINT, 
	CONSTRAINT lanes_pk PRIMARY KEY (id)
);
INSERT INTO "lanes" VALUES('ws/1','ws','1','ready',1795521600123456,'',0,NULL);
CREATE TABLE links (
	id TEXT NOT NULL, 
	workspace_id TEXT NOT NULL, 
	user_id TEXT NOT NULL, 
	account_id TEXT NOT NULL, 
	account TEXT NOT NULL, 
	role TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, origin TEXT DEFAULT 'hand' NOT NULL, updated_at BIGINT, ended_by TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT links_pk PRIMARY KEY (id), 
	CONSTRAINT links_user_id_fk FOREIGN KEY(user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT links_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "links" VALUES('link','ws','user-ada','ada-id','{"id":"ada-id","name":"ada","display_name":"Ada Lovelace","email":"ada@example.org","app":false}','user','active',1795521600123456,'hand',NULL,'');
CREATE TABLE messages (
	id TEXT NOT NULL, 
	workspace_id TEXT NOT NULL, 
	conversation_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	author TEXT NOT NULL, 
	visibility TEXT NOT NULL, 
	text TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	given_to TEXT, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT messages_pk PRIMARY KEY (id), 
	CONSTRAINT messages_conversation_id_fk FOREIGN KEY(conversation_id) REFERENCES conversations (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT messages_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT messages_seq_key UNIQUE (conversation_id, seq), 
	CONSTRAINT messages_cause_key UNIQUE (workspace_id, conversation_id, cause)
);
INSERT INTO "messages" VALUES('m1','ws','c1',1,'request','{"id":"ada-id","name":"ada","display_name":"Ada Lovelace","email":"ada@example.org","app":false}','{"to":"public"}','text of m1','comment:m1',NULL,1795521600123456);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT meta_pk PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('master-key.id','key-1');
INSERT INTO "meta" VALUES('master-key.source','the system keyring');
INSERT INTO "meta" VALUES('audit.head','1 c314c3ecc645dbf86b949447cda0aa8c8a927cb22dfbe380f016b4e944ca60d0');
CREATE TABLE numbers (
	no INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	workspace_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	id TEXT NOT NULL, 
	CONSTRAINT numbers_id_key UNIQUE (workspace_id, kind, id)
);
INSERT INTO "numbers" VALUES(1,'ws','workspace','ws');
INSERT INTO "numbers" VALUES(2,'other-ws','workspace','other-ws');
INSERT INTO "numbers" VALUES(3,'third','workspace','third');
INSERT INTO "numbers" VALUES(4,'ws','person','ada-id');
INSERT INTO "numbers" VALUES(6,'ws','conversation','c1');
CREATE TABLE oauth_states (
	hash TEXT NOT NULL, 
	workspace_id TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	browser_hash TEXT NOT NULL, 
	wanted TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	used_at BIGINT, 
	account TEXT, 
	code_hash TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	CONSTRAINT oauth_states_pk PRIMARY KEY (hash), 
	CONSTRAINT oauth_states_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE outbox (
	no INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id TEXT NOT NULL, 
	workspace_id TEXT NOT NULL, 
	issue_id TEXT NOT NULL, 
	conversation_id TEXT, 
	cause TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT, 
	text TEXT NOT NULL, 
	visibility TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at BIGINT NOT NULL, 
	sent_at BIGINT, 
	comment_id TEXT, 
	error TEXT NOT NULL, 
	epoch BIGINT NOT NULL, asked_at BIGINT, 
	CONSTRAINT outbox_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT outbox_id_key UNIQUE (id), 
	CONSTRAINT outbox_cause_key UNIQUE (workspace_id, cause, seq)
);
INSERT INTO "outbox" VALUES(1,'e1','ws','1',NULL,'cause of e1',0,'first-answer',NULL,'On it.','{"to":"public"}','pending',0,1795521600123456,NULL,NULL,'',0,NULL);
CREATE TABLE participants (
	workspace_id TEXT NOT NULL, 
	account_id TEXT NOT NULL, 
	conversation_id TEXT NOT NULL, 
	CONSTRAINT participants_pk PRIMARY KEY (workspace_id, account_id, conversation_id), 
	CONSTRAINT participants_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT participants_conversation_id_fk FOREIGN KEY(conversation_id) REFERENCES conversations (id) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "participants" VALUES('ws','ada-id','c1');
CREATE TABLE pauses (
	scope TEXT NOT NULL, 
	paused_by TEXT NOT NULL, 
	paused_at BIGINT NOT NULL, 
	CONSTRAINT pauses_pk PRIMARY KEY (scope)
);
CREATE TABLE rejections (
	no INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	workspace_id TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	remote TEXT NOT NULL, 
	header_names TEXT NOT NULL, 
	cause TEXT NOT NULL
);
INSERT INTO "rejections" VALUES(1,'ws',1795521600123456,'203.0.113.9','["content-type","user-agent"]','signature');
CREATE TABLE repositories (
	id TEXT NOT NULL, 
	workspace_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	url TEXT NOT NULL, 
	base TEXT NOT NULL, 
	projects TEXT NOT NULL, 
	components TEXT NOT NULL, 
	labels TEXT NOT NULL, 
	is_default BOOLEAN NOT NULL, 
	user TEXT NOT NULL, 
	has_token BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT repositories_pk PRIMARY KEY (id), 
	CONSTRAINT repositories_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT repositories_name_key UNIQUE (workspace_id, name)
);
INSERT INTO "repositories" VALUES('id-of-acme/shop','ws','acme/shop','https://git.example.org/acme/shop.git','','[]','[]','[]',0,'',0,1795521600123456);
CREATE TABLE run_events (
	no INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	workspace_id TEXT NOT NULL, 
	conversation_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	text TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT run_events_run_id_fk FOREIGN KEY(run_id) REFERENCES runs (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT run_events_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "run_events" VALUES(1,'ws','c1','r1','progress','On it.',1795521600123456);
CREATE TABLE runs (
	id TEXT NOT NULL, 
	workspace_id TEXT NOT NULL, 
	conversation_id TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	stop_requested BOOLEAN NOT NULL, 
	stop_cause TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	epoch BIGINT NOT NULL, 
	lease_until BIGINT, 
	summary TEXT NOT NULL, 
	failure TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	started_at BIGINT, 
	ended_at BIGINT, asker_id TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT runs_pk PRIMARY KEY (id), 
	CONSTRAINT runs_conversation_id_fk FOREIGN KEY(conversation_id) REFERENCES conversations (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT runs_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT runs_number_key UNIQUE (conversation_id, number)
);
INSERT INTO "runs" VALUES('r1','ws','c1',1,'waiting',0,0,'','',0,NULL,'','',1795521600123456,1795521600123456,NULL,NULL,'');
CREATE TABLE secrets (
	workspace_id TEXT NOT NULL, 
	place TEXT NOT NULL, 
	key_id TEXT NOT NULL, 
	nonce BLOB NOT NULL, 
	ciphertext BLOB NOT NULL, 
	updated_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	CONSTRAINT secrets_pk PRIMARY KEY (workspace_id, place), 
	CONSTRAINT secrets_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "secrets" VALUES('ws','api-key','key-1',X'7477656C7665206279746573',X'00FF207365616C6564',1795521600123456,NULL);
CREATE TABLE strikes (
	no INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	scope TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	at BIGINT NOT NULL
);
CREATE TABLE tokens (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	user TEXT NOT NULL, 
	workspace_id TEXT, 
	hash TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	revoked_at BIGINT, 
	CONSTRAINT tokens_pk PRIMARY KEY (id), 
	CONSTRAINT tokens_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT tokens_name_key UNIQUE (name), 
	CONSTRAINT tokens_hash_key UNIQUE (hash)
);
CREATE TABLE troubles (
	id TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	text TEXT NOT NULL, 
	fix TEXT NOT NULL, 
	begun_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	begin_told_at BIGINT, 
	end_told_at BIGINT, 
	CONSTRAINT troubles_pk PRIMARY KEY (id)
);
CREATE TABLE users (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT users_pk PRIMARY KEY (id), 
	CONSTRAINT users_name_key UNIQUE (name)
);
INSERT INTO "users" VALUES('user-ada','ada',1795521600123456);
CREATE TABLE webhooks (
	workspace_id TEXT NOT NULL, 
	webhook_id TEXT NOT NULL, 
	dynamic BOOLEAN NOT NULL, 
	url TEXT NOT NULL, 
	jql TEXT NOT NULL, 
	registered_at BIGINT NOT NULL, 
	refreshed_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	CONSTRAINT webhooks_pk PRIMARY KEY (workspace_id, webhook_id), 
	CONSTRAINT webhooks_workspace_id_fk FOREIGN KEY(workspace_id) REFERENCES workspaces (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE workspaces (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	deployment TEXT NOT NULL, 
	base_url TEXT NOT NULL, 
	also_known_as TEXT NOT NULL, 
	state TEXT NOT NULL, 
	degraded TEXT NOT NULL, 
	auth TEXT NOT NULL, 
	authenticity TEXT NOT NULL, 
	service_account TEXT NOT NULL, 
	service_account_email TEXT NOT NULL, 
	agent TEXT, 
	settings TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT NOT NULL, comment_mark TEXT DEFAULT 'unproved' NOT NULL, cloud_id TEXT DEFAULT '' NOT NULL, key_expires_at BIGINT, claimed_by TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT workspaces_pk PRIMARY KEY (id), 
	CONSTRAINT workspaces_base_url_key UNIQUE (base_url), 
	CONSTRAINT workspaces_name_key UNIQUE (name)
);
INSERT INTO "workspaces" VALUES('ws','ws.example.org','cloud','https://ws.example.org','[]','active','[]','api-token','hmac','{"id":"bot-id","name":"","display_name":"OpenHands","email":"","app":false}','',NULL,'{}',1795521600123456,1795521600123456,'unproved','',NULL,'');
INSERT INTO "workspaces" VALUES('other-ws','other-ws.example.org','cloud','https://other-ws.example.org','[]','active','[]','api-token','hmac','{"id":"bot-id","name":"","display_name":"OpenHands","email":"","app":false}','',NULL,'{}',1795521600123456,1795521600123456,'unproved','',NULL,'');
INSERT INTO "workspaces" VALUES('third','third.example.org','cloud','https://third.example.org','[]','active','[]','api-token','hmac','{"id":"bot-id","name":"","display_name":"OpenHands","email":"","app":false}','',NULL,'{}',1795521600123456,1795521600123456,'unproved','',NULL,'');
CREATE UNIQUE INDEX links_one_active_key ON links (workspace_id, account_id) WHERE state IN ('active');
CREATE INDEX deliveries_head ON deliveries (lane_id, no) WHERE state IN ('received', 'waiting');
CREATE INDEX lanes_leased ON lanes (state, lease_until);
CREATE INDEX lanes_ready ON lanes (state, ready_at);
CREATE INDEX conversations_issue ON conversations (workspace_id, issue_id, created_at);
CREATE INDEX conversations_issue_key ON conversations (issue_key, created_at);
CREATE INDEX conversations_newest ON conversations (workspace_id, created_at);
CREATE UNIQUE INDEX conversations_one_open_key ON conversations (workspace_id, issue_id) WHERE state IN ('created', 'active', 'in_progress', 'awaiting_input');
CREATE INDEX runs_due ON runs (state, due_at);
CREATE INDEX run_events_conversation ON run_events (conversation_id, no);
CREATE INDEX outbox_comment ON outbox (workspace_id, comment_id);
CREATE INDEX outbox_conversation ON outbox (conversation_id, no);
CREATE INDEX outbox_owed ON outbox (no) WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_owed_issue ON outbox (workspace_id, issue_id, no) WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_target ON outbox (target);
CREATE INDEX rejections_newest ON rejections (workspace_id, no);
CREATE INDEX conversations_idle ON conversations (workspace_id, updated_at) WHERE state IN ('created', 'active', 'in_progress', 'awaiting_input');
CREATE UNIQUE INDEX troubles_standing_key ON troubles (scope, reason) WHERE ended_at IS NULL;
CREATE INDEX troubles_newest ON troubles (begun_at);
CREATE INDEX strikes_counted ON strikes (scope, kind, at);
CREATE INDEX deliveries_issue ON deliveries (issue_key, no) WHERE state IN ('paused', 'done', 'ignored', 'refused', 'dead', 'discarded');
CREATE INDEX deliveries_state ON deliveries (workspace_id, state, no) WHERE state IN ('paused', 'done', 'ignored', 'refused', 'dead', 'discarded');
CREATE INDEX links_of_account ON links (workspace_id, account_id, created_at);
CREATE INDEX deliveries_trigger ON deliveries (workspace_id, trigger_key) WHERE trigger_key IS NOT NULL;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER workspaces_number AFTER INSERT ON workspaces
    BEGIN
        INSERT OR IGNORE INTO numbers (workspace_id, kind, id) VALUES (NEW.id, 'workspace', NEW.id);
    END;
CREATE TRIGGER links_number AFTER INSERT ON links
    BEGIN
        INSERT OR IGNORE INTO numbers (workspace_id, kind, id) VALUES (NEW.workspace_id, 'person', NEW.account_id);
    END;
CREATE TRIGGER conversations_number AFTER INSERT ON conversations
    BEGIN
        INSERT OR IGNORE INTO numbers (workspace_id, kind, id)
        VALUES (NEW.workspace_id, 'person', json_extract(NEW.asker, '$.id')),
               (NEW.workspace_id, 'conversation', NEW.id);
    END;
CREATE TRIGGER conversations_asker_number AFTER UPDATE OF asker ON conversations
    WHEN NEW.asker IS NOT OLD.asker
    BEGIN
        INSERT OR IGNORE INTO numbers (workspace_id, kind, id)
        VALUES (NEW.workspace_id, 'person', json_extract(NEW.asker, '$.id'));
    END;
CREATE VIEW jira_workspaces AS
    SELECT numbers.no AS id, workspaces.name AS name, workspaces.cloud_id AS jira_cloud_id,
           coalesce((SELECT users.name FROM links JOIN users ON users.id = links.user_id
                     WHERE links.workspace_id = workspaces.id AND links.role = 'admin' AND links.state = 'active'
                     ORDER BY links.created_at, links.id LIMIT 1), '') AS admin_user_id,
           '***' AS webhook_secret, workspaces.service_account_email AS svc_acc_email, '***' AS svc_acc_api_key,
           CASE workspaces.state WHEN 'active' THEN 'active' ELSE 'inactive' END AS status,
           strftime('%Y-%m-%d %H:%M:%S', workspaces.created_at / 1000000, 'unixepoch')
               || printf('.%06d', workspaces.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', workspaces.updated_at / 1000000, 'unixepoch')
               || printf('.%06d', workspaces.updated_at % 1000000) AS updated_at,
           NULL AS org_id
    FROM workspaces
    JOIN numbers ON numbers.workspace_id = workspaces.id AND numbers.kind = 'workspace'
    WHERE workspaces.deployment = 'cloud';
CREATE VIEW jira_users AS
    SELECT numbers.no AS id, users.name AS keycloak_user_id, links.account_id AS jira_user_id,
           places.no AS jira_workspace_id,
           CASE links.state WHEN 'active' THEN 'active' ELSE 'inactive' END AS status,
           strftime('%Y-%m-%d %H:%M:%S', links.created_at / 1000000, 'unixepoch')
               || printf('.%06d', links.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', coalesce(links.updated_at, links.created_at) / 1000000, 'unixepoch')
               || printf('.%06d', coalesce(links.updated_at, links.created_at) % 1000000) AS updated_at
    FROM links
    JOIN users ON users.id = links.user_id
    JOIN workspaces ON workspaces.id = links.workspace_id
    JOIN numbers ON numbers.workspace_id = links.workspace_id AND numbers.kind = 'person'
                AND numbers.id = links.account_id
    JOIN numbers AS places ON places.workspace_id = links.workspace_id AND places.kind = 'workspace'
    WHERE workspaces.deployment = 'cloud'
      AND NOT EXISTS (SELECT 1 FROM links AS newer
                      WHERE newer.workspace_id = links.workspace_id AND newer.account_id = links.account_id
                        AND (newer.created_at, newer.id) > (links.created_at, links.id));
CREATE VIEW jira_conversations AS
    SELECT numbers.no AS id, conversations.id AS conversation_id, conversations.issue_id AS issue_id,
           conversations.issue_key AS issue_key, NULL AS parent_id, people.no AS jira_user_id,
           strftime('%Y-%m-%d %H:%M:%S', conversations.created_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', conversations.updated_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.updated_at % 1000000) AS updated_at
    FROM conversations
    JOIN workspaces ON workspaces.id = conversations.workspace_id
    JOIN numbers ON numbers.workspace_id = conversations.workspace_id AND numbers.kind = 'conversation'
                AND numbers.id = conversations.id
    JOIN numbers AS people ON people.workspace_id = conversations.workspace_id AND people.kind = 'person'
                AND people.id = json_extract(conversations.asker, '$.id')
    WHERE workspaces.deployment = 'cloud';
CREATE VIEW jira_dc_workspaces AS
    SELECT numbers.no AS id, workspaces.name AS name,
           coalesce((SELECT users.name FROM links JOIN users ON users.id = links.user_id
                     WHERE links.workspace_id = workspaces.id AND links.role = 'admin' AND links.state = 'active'
                     ORDER BY links.created_at, links.id LIMIT 1), '') AS admin_user_id,
           '***' AS webhook_secret, workspaces.service_account_email AS svc_acc_email, '***' AS svc_acc_api_key,
           CASE workspaces.state WHEN 'active' THEN 'active' ELSE 'inactive' END AS status,
           strftime('%Y-%m-%d %H:%M:%S', workspaces.created_at / 1000000, 'unixepoch')
               || printf('.%06d', workspaces.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', workspaces.updated_at / 1000000, 'unixepoch')
               || printf('.%06d', workspaces.updated_at % 1000000) AS updated_at,
           NULL AS org_id
    FROM workspaces
    JOIN numbers ON numbers.workspace_id = workspaces.id AND numbers.kind = 'workspace'
    WHERE workspaces.deployment = 'dc';
CREATE VIEW jira_dc_users AS
    SELECT numbers.no AS id, users.name AS keycloak_user_id, links.account_id AS jira_dc_user_id,
           places.no AS jira_dc_workspace_id,
           CASE links.state WHEN 'active' THEN 'active' ELSE 'inactive' END AS status,
           strftime('%Y-%m-%d %H:%M:%S', links.created_at / 1000000, 'unixepoch')
               || printf('.%06d', links.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', coalesce(links.updated_at, links.created_at) / 1000000, 'unixepoch')
               || printf('.%06d', coalesce(links.updated_at, links.created_at) % 1000000) AS updated_at ,
           NULL AS oauth_access_token_encrypted, NULL AS oauth_refresh_token_encrypted,
           NULL AS oauth_access_token_expires_at, NULL AS oauth_refresh_token_expires_at
    FROM links
    JOIN users ON users.id = links.user_id
    JOIN workspaces ON workspaces.id = links.workspace_id
    JOIN numbers ON numbers.workspace_id = links.workspace_id AND numbers.kind = 'person'
                AND numbers.id = links.account_id
    JOIN numbers AS places ON places.workspace_id = links.workspace_id AND places.kind = 'workspace'
    WHERE workspaces.deployment = 'dc'
      AND NOT EXISTS (SELECT 1 FROM links AS newer
                      WHERE newer.workspace_id = links.workspace_id AND newer.account_id = links.account_id
                        AND (newer.created_at, newer.id) > (links.created_at, links.id));
CREATE VIEW jira_dc_conversations AS
    SELECT numbers.no AS id, conversations.id AS conversation_id, conversations.issue_id AS issue_id,
           conversations.issue_key AS issue_key, NULL AS parent_id, people.no AS jira_dc_user_id,
           strftime('%Y-%m-%d %H:%M:%S', conversations.created_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.created_at % 1000000) AS created_at,
           strftime('%Y-%m-%d %H:%M:%S', conversations.updated_at / 1000000, 'unixepoch')
               || printf('.%06d', conversations.updated_at % 1000000) AS updated_at
    FROM conversations
    JOIN workspaces ON workspaces.id = conversations.workspace_id
    JOIN numbers ON numbers.workspace_id = conversations.workspace_id AND numbers.kind = 'conversation'
                AND numbers.id = conversations.id
    JOIN numbers AS people ON people.workspace_id = conversations.workspace_id AND people.kind = 'person'
                AND people.id = json_extract(conversations.asker, '$.id')
    WHERE workspaces.deployment = 'dc';
CREATE UNIQUE INDEX links_one_pending_key ON links (workspace_id, user_id) WHERE state IN ('pending');
CREATE INDEX links_user ON links (user_id);
CREATE INDEX participants_conversation ON participants (conversation_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('numbers',6);
INSERT INTO "sqlite_sequence" VALUES('deliveries',1);
INSERT INTO "sqlite_sequence" VALUES('run_events',1);
INSERT INTO "sqlite_sequence" VALUES('outbox',1);
INSERT INTO "sqlite_sequence" VALUES('rejections',1);
COMMIT;
