PRAGMA application_id = 1179996997;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE counter_series (
	id INTEGER NOT NULL, 
	project INTEGER NOT NULL, 
	labels TEXT NOT NULL, 
	overflow INTEGER NOT NULL, 
	cost_hi INTEGER DEFAULT 0 NOT NULL, 
	cost_lo INTEGER DEFAULT 0 NOT NULL, 
	requests INTEGER DEFAULT 0 NOT NULL, 
	input INTEGER DEFAULT 0 NOT NULL, 
	output INTEGER DEFAULT 0 NOT NULL, 
	cache_read INTEGER DEFAULT 0 NOT NULL, 
	cache_write INTEGER DEFAULT 0 NOT NULL, 
	reasoning INTEGER DEFAULT 0 NOT NULL, 
	audio INTEGER DEFAULT 0 NOT NULL, 
	other INTEGER DEFAULT 0 NOT NULL, 
	shown_cost_hi INTEGER DEFAULT 0 NOT NULL, 
	shown_cost_lo INTEGER DEFAULT 0 NOT NULL, 
	shown_requests INTEGER DEFAULT 0 NOT NULL, 
	shown_input INTEGER DEFAULT 0 NOT NULL, 
	shown_output INTEGER DEFAULT 0 NOT NULL, 
	shown_cache_read INTEGER DEFAULT 0 NOT NULL, 
	shown_cache_write INTEGER DEFAULT 0 NOT NULL, 
	shown_reasoning INTEGER DEFAULT 0 NOT NULL, 
	shown_audio INTEGER DEFAULT 0 NOT NULL, 
	shown_other INTEGER DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "counter_series" VALUES(1,1,'["f1","search","gpt-4o","call"]',0,7125000,0,4,4000,0,0,0,0,0,0,7125000,0,4,4000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(2,1,'["f0","content","gpt-4o","call"]',0,2250000,0,3,3000,0,0,0,0,0,0,2250000,0,3,3000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(3,1,'["f3","support","gpt-4o","call"]',0,12625000,0,4,4000,0,0,0,0,0,0,12625000,0,4,4000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(4,1,'["f2","search","gpt-4o","call"]',0,6000000,0,3,3000,0,0,0,0,0,0,6000000,0,3,3000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(5,1,'["f1","content","gpt-4o","call"]',0,5625000,0,3,3000,0,0,0,0,0,0,5625000,0,3,3000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(6,1,'["f0","support","gpt-4o","call"]',0,5250000,0,3,3000,0,0,0,0,0,0,5250000,0,3,3000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(7,1,'["f3","search","gpt-4o","call"]',0,4875000,0,3,3000,0,0,0,0,0,0,4875000,0,3,3000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(8,1,'["f2","content","gpt-4o","call"]',0,4500000,0,5,5000,0,0,0,0,0,0,4500000,0,5,5000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(9,1,'["f1","support","gpt-4o","call"]',0,4125000,0,3,3000,0,0,0,0,0,0,4125000,0,3,3000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(10,1,'["f0","search","gpt-4o","call"]',0,3750000,0,3,3000,0,0,0,0,0,0,3750000,0,3,3000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(11,1,'["f3","content","gpt-4o","call"]',0,3375000,0,3,3000,0,0,0,0,0,0,3375000,0,3,3000,0,0,0,0,0,0);
INSERT INTO "counter_series" VALUES(12,1,'["f2","support","gpt-4o","call"]',0,3000000,0,3,3000,0,0,0,0,0,0,3000000,0,3,3000,0,0,0,0,0,0);
CREATE TABLE coverage (
	project INTEGER NOT NULL, 
	from_ms INTEGER NOT NULL, 
	to_ms INTEGER NOT NULL, 
	read_at_ms INTEGER NOT NULL, 
	PRIMARY KEY (project, from_ms)
)
 WITHOUT ROWID

;
INSERT INTO "coverage" VALUES(1,1793490000000,1795003200000,1795003200000);
CREATE TABLE delivery (
	seq INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	destination TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_ms INTEGER NOT NULL, 
	next_ms INTEGER NOT NULL, 
	claimed_until_ms INTEGER, 
	holder TEXT DEFAULT '' NOT NULL, 
	attempts INTEGER DEFAULT 0 NOT NULL, 
	ended_ms INTEGER, 
	reference TEXT DEFAULT '' NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	text TEXT DEFAULT '' NOT NULL, 
	message TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);
INSERT INTO "delivery" VALUES(1,'8HRA1EZ61KXSDH5N','diary','notices','sent',1794830400000,1794830400000,NULL,'',1,1794830400000,'message 1','','','{"id":"8HRA1EZ61KXSDH5N","destination":"diary","kind":"notices","severity":1,"created_ms":1794830400000,"notices":[{"incident":{"id":"DSM2YCJDCPCB8X9J","kind":"budget","rule":"teams","key":["support"],"labels":[["team","support"]],"period":"day:2026-11-16","period_start_ms":1794787200000,"period_end_ms":1794873600000,"timezone":"UTC","episode":1,"state":"open","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":6250000000000,"opened_ms":1794830400000,"changed_ms":1794830400000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794821700000,"learned_ms":1794830400000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":1,"threshold":"1/2","at_ms":1794830400000,"as_of_ms":1794830400000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""},{"incident":{"id":"SJ1QDB0BYXSW6VH3","kind":"budget","rule":"teams","key":["search"],"labels":[["team","search"]],"period":"day:2026-11-16","period_start_ms":1794787200000,"period_end_ms":1794873600000,"timezone":"UTC","episode":1,"state":"open","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5750000000000,"opened_ms":1794830400000,"changed_ms":1794830400000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794820800000,"learned_ms":1794830400000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":1,"threshold":"1/2","at_ms":1794830400000,"as_of_ms":1794830400000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""},{"incident":{"id":"6N24K3VZ5KY0CEAG","kind":"budget","rule":"teams","key":["content"],"labels":[["team","content"]],"period":"day:2026-11-16","period_start_ms":1794787200000,"period_end_ms":1794873600000,"timezone":"UTC","episode":1,"state":"open","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5250000000000,"opened_ms":1794830400000,"changed_ms":1794830400000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794819900000,"learned_ms":1794830400000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":1,"threshold":"1/2","at_ms":1794830400000,"as_of_ms":1794830400000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""}],"start":null,"gap":null,"link":""}');
INSERT INTO "delivery" VALUES(2,'D5FB6DBE3MFYKDNT','finops','notices','sent',1794916800000,1794916800000,NULL,'',1,1794916800000,'message 1','','','{"id":"D5FB6DBE3MFYKDNT","destination":"finops","kind":"notices","severity":3,"created_ms":1794916800000,"notices":[{"incident":{"id":"KNHK0Z3Y2G2F5141","kind":"budget","rule":"teams","key":["search"],"labels":[["team","search"]],"period":"day:2026-11-17","period_start_ms":1794873600000,"period_end_ms":1794960000000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":10000000000000,"unit":"usd","measured":10250000000000,"opened_ms":1794916800000,"changed_ms":1794916800000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794906000000,"learned_ms":1794916800000},{"share":"4/5","severity":2,"limit":10000000000000,"at_ms":1794906000000,"learned_ms":1794916800000},{"share":"1/1","severity":3,"limit":10000000000000,"at_ms":1794907200000,"learned_ms":1794916800000}],"told":["finops","diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":3,"threshold":"1/1","at_ms":1794916800000,"as_of_ms":1794916800000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""},{"incident":{"id":"GQ82GCF3HY2DMKT0","kind":"budget","rule":"daily","key":[],"labels":[],"period":"day:2026-11-17","period_start_ms":1794873600000,"period_end_ms":1794960000000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":20000000000000,"unit":"usd","measured":21750000000000,"opened_ms":1794916800000,"changed_ms":1794916800000,"crossings":[{"share":"1/2","severity":1,"limit":20000000000000,"at_ms":1794904500000,"learned_ms":1794916800000},{"share":"1/1","severity":3,"limit":20000000000000,"at_ms":1794908100000,"learned_ms":1794916800000}],"told":["finops"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":3,"threshold":"1/1","at_ms":1794916800000,"as_of_ms":1794916800000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""}],"start":null,"gap":null,"link":""}');
INSERT INTO "delivery" VALUES(3,'KATXVMPTSTSHK0J7','diary','notices','sent',1794916800000,1794916800000,NULL,'',1,1794916800000,'message 2','','','{"id":"KATXVMPTSTSHK0J7","destination":"diary","kind":"notices","severity":3,"created_ms":1794916800000,"notices":[{"incident":{"id":"KNHK0Z3Y2G2F5141","kind":"budget","rule":"teams","key":["search"],"labels":[["team","search"]],"period":"day:2026-11-17","period_start_ms":1794873600000,"period_end_ms":1794960000000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":10000000000000,"unit":"usd","measured":10250000000000,"opened_ms":1794916800000,"changed_ms":1794916800000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794906000000,"learned_ms":1794916800000},{"share":"4/5","severity":2,"limit":10000000000000,"at_ms":1794906000000,"learned_ms":1794916800000},{"share":"1/1","severity":3,"limit":10000000000000,"at_ms":1794907200000,"learned_ms":1794916800000}],"told":["finops","diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":3,"threshold":"1/1","at_ms":1794916800000,"as_of_ms":1794916800000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""},{"incident":{"id":"R5J3QMFQVYWK4DVM","kind":"budget","rule":"teams","key":["support"],"labels":[["team","support"]],"period":"day:2026-11-17","period_start_ms":1794873600000,"period_end_ms":1794960000000,"timezone":"UTC","episode":1,"state":"open","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":6250000000000,"opened_ms":1794916800000,"changed_ms":1794916800000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794908100000,"learned_ms":1794916800000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":1,"threshold":"1/2","at_ms":1794916800000,"as_of_ms":1794916800000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""},{"incident":{"id":"XH476A3BZWJKBFJN","kind":"budget","rule":"teams","key":["content"],"labels":[["team","content"]],"period":"day:2026-11-17","period_start_ms":1794873600000,"period_end_ms":1794960000000,"timezone":"UTC","episode":1,"state":"open","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5250000000000,"opened_ms":1794916800000,"changed_ms":1794916800000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794906300000,"learned_ms":1794916800000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":1,"threshold":"1/2","at_ms":1794916800000,"as_of_ms":1794916800000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""}],"start":null,"gap":null,"link":""}');
INSERT INTO "delivery" VALUES(4,'J9DS59MA4TD455GQ','finops','notices','sent',1794992400000,1794992400000,NULL,'',1,1794992400000,'message 2','','','{"id":"J9DS59MA4TD455GQ","destination":"finops","kind":"notices","severity":3,"created_ms":1794992400000,"notices":[{"incident":{"id":"N063F9DH23SCCZY2","kind":"budget","rule":"teams","key":["support"],"labels":[["team","support"]],"period":"day:2026-11-18","period_start_ms":1794960000000,"period_end_ms":1795046400000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":10000000000000,"unit":"usd","measured":10375000000000,"opened_ms":1794992400000,"changed_ms":1794992400000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794985200000,"learned_ms":1794992400000},{"share":"4/5","severity":2,"limit":10000000000000,"at_ms":1794987300000,"learned_ms":1794992400000},{"share":"1/1","severity":3,"limit":10000000000000,"at_ms":1794990900000,"learned_ms":1794992400000}],"told":["finops","diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":3,"threshold":"1/1","at_ms":1794992400000,"as_of_ms":1794992400000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""},{"incident":{"id":"AMVBAHYPFSXX94FM","kind":"budget","rule":"monthly","key":[],"labels":[],"period":"month:2026-11","period_start_ms":1793491200000,"period_end_ms":1796083200000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":50000000000000,"unit":"usd","measured":56500000000000,"opened_ms":1794916800000,"changed_ms":1794992400000,"crossings":[{"share":"1/2","severity":1,"limit":50000000000000,"at_ms":1794902700000,"learned_ms":1794916800000},{"share":"1/1","severity":3,"limit":50000000000000,"at_ms":1794986400000,"learned_ms":1794992400000}],"told":["finops"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"escalated","severity":3,"threshold":"1/1","at_ms":1794992400000,"as_of_ms":1794992400000,"cause":"","previous":43250000000000,"at_least":false,"labels":[],"runbook":""}],"start":null,"gap":null,"link":""}');
INSERT INTO "delivery" VALUES(5,'WHQH74ED093765FD','diary','notices','pending',1794992400000,1795003223489,NULL,'',3,NULL,'','unreachable','the receiver is away','{"id":"WHQH74ED093765FD","destination":"diary","kind":"notices","severity":3,"created_ms":1794992400000,"notices":[{"incident":{"id":"N063F9DH23SCCZY2","kind":"budget","rule":"teams","key":["support"],"labels":[["team","support"]],"period":"day:2026-11-18","period_start_ms":1794960000000,"period_end_ms":1795046400000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":10000000000000,"unit":"usd","measured":10375000000000,"opened_ms":1794992400000,"changed_ms":1794992400000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794985200000,"learned_ms":1794992400000},{"share":"4/5","severity":2,"limit":10000000000000,"at_ms":1794987300000,"learned_ms":1794992400000},{"share":"1/1","severity":3,"limit":10000000000000,"at_ms":1794990900000,"learned_ms":1794992400000}],"told":["finops","diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":3,"threshold":"1/1","at_ms":1794992400000,"as_of_ms":1794992400000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""}],"start":null,"gap":null,"link":""}');
INSERT INTO "delivery" VALUES(6,'SQ0FV3T11GD9PCJZ','finops','notices','sent',1794997200000,1794997200000,NULL,'',1,1794997200000,'message 3','','','{"id":"SQ0FV3T11GD9PCJZ","destination":"finops","kind":"notices","severity":3,"created_ms":1794997200000,"notices":[{"incident":{"id":"YDBE9QGSB7W06C5C","kind":"budget","rule":"daily","key":[],"labels":[],"period":"day:2026-11-18","period_start_ms":1794960000000,"period_end_ms":1795046400000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":20000000000000,"unit":"usd","measured":23500000000000,"opened_ms":1794992400000,"changed_ms":1794997200000,"crossings":[{"share":"1/2","severity":1,"limit":20000000000000,"at_ms":1794985500000,"learned_ms":1794992400000},{"share":"1/1","severity":3,"limit":20000000000000,"at_ms":1794993600000,"learned_ms":1794997200000}],"told":["finops"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"escalated","severity":3,"threshold":"1/1","at_ms":1794997200000,"as_of_ms":1794997200000,"cause":"","previous":17500000000000,"at_least":false,"labels":[],"runbook":""}],"start":null,"gap":null,"link":""}');
INSERT INTO "delivery" VALUES(7,'ET9709WQTS5WSCY8','diary','notices','pending',1794997200000,1795003210995,NULL,'',2,NULL,'','unreachable','the receiver is away','{"id":"ET9709WQTS5WSCY8","destination":"diary","kind":"notices","severity":1,"created_ms":1794997200000,"notices":[{"incident":{"id":"NSPCKHMN5JKG65VA","kind":"budget","rule":"teams","key":["search"],"labels":[["team","search"]],"period":"day:2026-11-18","period_start_ms":1794960000000,"period_end_ms":1795046400000,"timezone":"UTC","episode":1,"state":"open","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5750000000000,"opened_ms":1794997200000,"changed_ms":1794997200000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794993600000,"learned_ms":1794997200000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":1,"threshold":"1/2","at_ms":1794997200000,"as_of_ms":1794997200000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""},{"incident":{"id":"YKGH85XKYF104N5F","kind":"budget","rule":"teams","key":["content"],"labels":[["team","content"]],"period":"day:2026-11-18","period_start_ms":1794960000000,"period_end_ms":1795046400000,"timezone":"UTC","episode":1,"state":"open","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5250000000000,"opened_ms":1794997200000,"changed_ms":1794997200000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794992700000,"learned_ms":1794997200000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null},"reason":"opened","severity":1,"threshold":"1/2","at_ms":1794997200000,"as_of_ms":1794997200000,"cause":"","previous":null,"at_least":false,"labels":[],"runbook":""}],"start":null,"gap":null,"link":""}');
CREATE TABLE dims (
	id INTEGER NOT NULL, 
	hash BLOB NOT NULL, 
	environment TEXT NOT NULL, 
	feature TEXT NOT NULL, 
	team TEXT NOT NULL, 
	model TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	operation TEXT NOT NULL, 
	type TEXT NOT NULL, 
	release TEXT NOT NULL, 
	version TEXT NOT NULL, 
	prompt TEXT NOT NULL, 
	trace_name TEXT NOT NULL, 
	extra TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (hash)
);
INSERT INTO "dims" VALUES(1,X'4E5D38C1C21E8F991190E0426808A8A6','production','f1','search','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(2,X'8938373E986FF82BDE24751263823C28','production','f0','content','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(3,X'1C9788ACAC9EB2C2E639060EC771DC39','production','f3','support','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(4,X'7A33266C1CCE7CF1A32E2E9B208BC187','production','f2','search','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(5,X'54D76682DEAC9A55C67E65D48769C2AC','production','f1','content','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(6,X'179AE7003711FE85CCF63F9FFB898465','production','f0','support','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(7,X'629D5DA2907CA30A9CB39ABAEA9C54D0','production','f3','search','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(8,X'831AE31CDFCB554231E2C3A649C35544','production','f2','content','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(9,X'E3C809B083E1ADAAB6EADB71A15BC5C3','production','f1','support','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(10,X'C91EC471AAB856E880ABBDFC1B8B905F','production','f0','search','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(11,X'CC33747FD1168476241FD62D4473CDD4','production','f3','content','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
INSERT INTO "dims" VALUES(12,X'6FB872D0D354A133C5FFC166A252CF38','production','f2','support','gpt-4o','openai','call','GENERATION','unknown','unknown','unknown','unknown','[]');
CREATE TABLE dirty (
	seq INTEGER NOT NULL, 
	project INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	dims INTEGER NOT NULL, 
	person INTEGER NOT NULL, 
	session INTEGER NOT NULL, 
	cost_hi INTEGER NOT NULL, 
	cost_lo INTEGER NOT NULL, 
	tokens INTEGER NOT NULL, 
	requests INTEGER NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE TABLE due (
	rule TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	PRIMARY KEY (rule, "key")
)
 WITHOUT ROWID

;
CREATE TABLE duration_series (
	id INTEGER NOT NULL, 
	project INTEGER NOT NULL, 
	labels TEXT NOT NULL, 
	overflow INTEGER NOT NULL, 
	b0 INTEGER DEFAULT 0 NOT NULL, 
	b1 INTEGER DEFAULT 0 NOT NULL, 
	b2 INTEGER DEFAULT 0 NOT NULL, 
	b3 INTEGER DEFAULT 0 NOT NULL, 
	b4 INTEGER DEFAULT 0 NOT NULL, 
	b5 INTEGER DEFAULT 0 NOT NULL, 
	b6 INTEGER DEFAULT 0 NOT NULL, 
	b7 INTEGER DEFAULT 0 NOT NULL, 
	b8 INTEGER DEFAULT 0 NOT NULL, 
	b9 INTEGER DEFAULT 0 NOT NULL, 
	b10 INTEGER DEFAULT 0 NOT NULL, 
	b11 INTEGER DEFAULT 0 NOT NULL, 
	b12 INTEGER DEFAULT 0 NOT NULL, 
	sum_ms INTEGER DEFAULT 0 NOT NULL, 
	shown_b0 INTEGER DEFAULT 0 NOT NULL, 
	shown_b1 INTEGER DEFAULT 0 NOT NULL, 
	shown_b2 INTEGER DEFAULT 0 NOT NULL, 
	shown_b3 INTEGER DEFAULT 0 NOT NULL, 
	shown_b4 INTEGER DEFAULT 0 NOT NULL, 
	shown_b5 INTEGER DEFAULT 0 NOT NULL, 
	shown_b6 INTEGER DEFAULT 0 NOT NULL, 
	shown_b7 INTEGER DEFAULT 0 NOT NULL, 
	shown_b8 INTEGER DEFAULT 0 NOT NULL, 
	shown_b9 INTEGER DEFAULT 0 NOT NULL, 
	shown_b10 INTEGER DEFAULT 0 NOT NULL, 
	shown_b11 INTEGER DEFAULT 0 NOT NULL, 
	shown_b12 INTEGER DEFAULT 0 NOT NULL, 
	shown_sum_ms INTEGER DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "duration_series" VALUES(1,1,'["gpt-4o","call"]',0,39,0,0,0,0,0,0,0,0,0,0,0,1,8999000,39,0,0,0,0,0,0,0,0,0,0,0,1,8999000);
CREATE TABLE generation (
	project INTEGER NOT NULL, 
	start_ms INTEGER NOT NULL, 
	trace BLOB NOT NULL, 
	obs BLOB NOT NULL, 
	updated_ms INTEGER NOT NULL, 
	cost INTEGER NOT NULL, 
	pricing INTEGER NOT NULL, 
	dims INTEGER NOT NULL, 
	person INTEGER NOT NULL, 
	session INTEGER NOT NULL, 
	input INTEGER NOT NULL, 
	output INTEGER NOT NULL, 
	cache_read INTEGER NOT NULL, 
	cache_write INTEGER NOT NULL, 
	reasoning INTEGER NOT NULL, 
	audio INTEGER NOT NULL, 
	other INTEGER NOT NULL, 
	total INTEGER NOT NULL, 
	duration_ms INTEGER, 
	digest INTEGER NOT NULL, 
	counted INTEGER NOT NULL, 
	seen_ms INTEGER NOT NULL, 
	replaced_cost INTEGER, 
	estimate INTEGER, 
	gone_ms INTEGER, 
	PRIMARY KEY (project, start_ms, trace, obs)
)
 WITHOUT ROWID

;
INSERT INTO "generation" VALUES(1,1794809100000,X'00000000000000000000000000000001',X'0000000000000001',1794809100650,750000000000,0,2,3,2,1000,0,0,0,0,0,0,1000,0,2012978100571485151,1,1794810600000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794810000000,X'00000000000000000000000000000002',X'0000000000000002',1794810000650,875000000000,0,1,1,2,1000,0,0,0,0,0,0,1000,0,8248079257993927897,1,1794810600000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794810900000,X'00000000000000000000000000000003',X'0000000000000003',1794810900650,1000000000000,0,12,5,2,1000,0,0,0,0,0,0,1000,0,-8294127402852063435,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794812700000,X'00000000000000000000000000000004',X'0000000000000004',1794812700650,1125000000000,0,11,4,2,1000,0,0,0,0,0,0,1000,0,-2385909399235045940,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794813600000,X'00000000000000000000000000000005',X'0000000000000005',1794813600650,1250000000000,0,10,6,2,1000,0,0,0,0,0,0,1000,0,-3380020621475981125,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794814500000,X'00000000000000000000000000000006',X'0000000000000006',1794814500650,1375000000000,0,9,3,2,1000,0,0,0,0,0,0,1000,0,5620947668805212872,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794816300000,X'00000000000000000000000000000007',X'0000000000000007',1794816300650,1500000000000,0,8,1,2,1000,0,0,0,0,0,0,1000,0,-8828872101065465009,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794817200000,X'00000000000000000000000000000008',X'0000000000000008',1794817200650,1625000000000,0,7,5,2,1000,0,0,0,0,0,0,1000,0,9161010136699892460,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794818100000,X'00000000000000000000000000000009',X'0000000000000009',1794818100650,1750000000000,0,6,4,2,1000,0,0,0,0,0,0,1000,0,8030752442388861687,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794819900000,X'0000000000000000000000000000000A',X'000000000000000A',1794819900650,1875000000000,0,5,6,2,1000,0,0,0,0,0,0,1000,0,4356691603904151457,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794820800000,X'0000000000000000000000000000000B',X'000000000000000B',1794820800650,2000000000000,0,4,3,2,1000,0,0,0,0,0,0,1000,0,-3237462587562352238,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794821700000,X'0000000000000000000000000000000C',X'000000000000000C',1794821700650,2125000000000,0,3,1,2,1000,0,0,0,0,0,0,1000,0,-8474087373514760909,1,1794830400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794895500000,X'0000000000000000000000000000000D',X'000000000000000D',1794895500650,750000000000,0,2,3,2,1000,0,0,0,0,0,0,1000,0,-5423526382704593878,1,1794900600000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794896400000,X'0000000000000000000000000000000E',X'000000000000000E',1794896400650,875000000000,0,1,1,2,1000,0,0,0,0,0,0,1000,0,-4189743757855562892,1,1794900600000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794897300000,X'0000000000000000000000000000000F',X'000000000000000F',1794897300650,1000000000000,0,12,5,2,1000,0,0,0,0,0,0,1000,0,1283480366320385069,1,1794900600000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794899100000,X'00000000000000000000000000000010',X'0000000000000010',1794899100650,1125000000000,0,11,4,2,1000,0,0,0,0,0,0,1000,0,-9008680601785249189,1,1794900600000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794900000000,X'00000000000000000000000000000011',X'0000000000000011',1794900000650,1250000000000,0,10,6,2,1000,0,0,0,0,0,0,1000,0,1326569901512544546,1,1794900600000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794900900000,X'00000000000000000000000000000012',X'0000000000000012',1794900900650,1375000000000,0,9,3,2,1000,0,0,0,0,0,0,1000,0,3962412788633081018,1,1794916800000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794902700000,X'00000000000000000000000000000013',X'0000000000000013',1794902700650,1500000000000,0,8,1,2,1000,0,0,0,0,0,0,1000,0,3952948334110526530,1,1794916800000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794903600000,X'00000000000000000000000000000014',X'0000000000000014',1794903600650,1625000000000,0,7,5,2,1000,0,0,0,0,0,0,1000,0,-1706798995926236146,1,1794916800000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794904500000,X'00000000000000000000000000000015',X'0000000000000015',1794904500650,1750000000000,0,6,4,2,1000,0,0,0,0,0,0,1000,0,-4176605400896278195,1,1794916800000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794906000000,X'00000000000000000000000000000025',X'0000000000000025',1794914999650,4500000000000,0,1,1,2,1000,0,0,0,0,0,0,1000,8999000,179698327782342422,1,1794916800000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794906300000,X'00000000000000000000000000000016',X'0000000000000016',1794906300650,1875000000000,0,5,6,2,1000,0,0,0,0,0,0,1000,0,5991289499855005101,1,1794916800000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794907200000,X'00000000000000000000000000000017',X'0000000000000017',1794907200650,2000000000000,0,4,3,2,1000,0,0,0,0,0,0,1000,0,-4036052025380948810,1,1794916800000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794907800000,X'00000000000000000000000000000026',X'0000000000000026',1794907800650,0,2,8,2,2,1000,0,0,0,0,0,0,1000,0,1032122584294001246,1,1794916800000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794908100000,X'00000000000000000000000000000018',X'0000000000000018',1794908100650,2125000000000,0,3,1,2,1000,0,0,0,0,0,0,1000,0,-2354224044073346274,1,1794916800000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794981900000,X'00000000000000000000000000000019',X'0000000000000019',1794981900650,750000000000,0,2,3,2,1000,0,0,0,0,0,0,1000,0,-7083515770584211056,1,1794983400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794982800000,X'0000000000000000000000000000001A',X'000000000000001A',1794982800650,875000000000,0,1,1,2,1000,0,0,0,0,0,0,1000,0,-2080988078736329541,1,1794983400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794983700000,X'0000000000000000000000000000001B',X'000000000000001B',1794983700650,1000000000000,0,12,5,2,1000,0,0,0,0,0,0,1000,0,1979783730556993238,1,1794986400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794985200000,X'00000000000000000000000000000028',X'0000000000000028',1794988800000,6250000000000,0,3,5,2,1000,0,0,0,0,0,0,1000,0,-7294886828910087511,1,1794986400000,500000000000,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794985500000,X'0000000000000000000000000000001C',X'000000000000001C',1794985500650,1125000000000,0,11,4,2,1000,0,0,0,0,0,0,1000,0,-6438572492099944804,1,1794986400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794986400000,X'0000000000000000000000000000001D',X'000000000000001D',1794986400650,1250000000000,0,10,6,2,1000,0,0,0,0,0,0,1000,0,890250778741555095,1,1794992400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794987300000,X'0000000000000000000000000000001E',X'000000000000001E',1794987300650,1375000000000,0,9,3,2,1000,0,0,0,0,0,0,1000,0,-3674070690074058284,1,1794992400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794989100000,X'0000000000000000000000000000001F',X'000000000000001F',1794989100650,1500000000000,0,8,1,2,1000,0,0,0,0,0,0,1000,0,1048000826278798879,1,1794992400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794990000000,X'00000000000000000000000000000020',X'0000000000000020',1794990000650,1625000000000,0,7,5,2,1000,0,0,0,0,0,0,1000,0,-9215136502319402304,1,1794992400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794990900000,X'00000000000000000000000000000021',X'0000000000000021',1794990900650,1750000000000,0,6,4,2,1000,0,0,0,0,0,0,1000,0,-5867266963014830325,1,1794992400000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794992700000,X'00000000000000000000000000000022',X'0000000000000022',1794992700650,1875000000000,0,5,6,2,1000,0,0,0,0,0,0,1000,0,3596423492314851767,1,1794997200000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794993600000,X'00000000000000000000000000000023',X'0000000000000023',1794993600650,2000000000000,0,4,3,2,1000,0,0,0,0,0,0,1000,0,-2059210558897078545,1,1794997200000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794994200000,X'00000000000000000000000000000027',X'0000000000000027',1794994200650,0,2,8,2,2,1000,0,0,0,0,0,0,1000,0,1177942746019593240,1,1794997200000,NULL,NULL,NULL);
INSERT INTO "generation" VALUES(1,1794994500000,X'00000000000000000000000000000024',X'0000000000000024',1794994500650,2125000000000,0,3,1,2,1000,0,0,0,0,0,0,1000,0,271273060018817083,1,1794997200000,NULL,NULL,NULL);
CREATE TABLE hour_reading (
	project INTEGER NOT NULL, 
	hour_ms INTEGER NOT NULL, 
	fingerprint TEXT NOT NULL, 
	langfuse_hi INTEGER NOT NULL, 
	langfuse_lo INTEGER NOT NULL, 
	duplicates_hi INTEGER NOT NULL, 
	duplicates_lo INTEGER NOT NULL, 
	unexplained_hi INTEGER NOT NULL, 
	unexplained_lo INTEGER NOT NULL, 
	read_at_ms INTEGER NOT NULL, 
	PRIMARY KEY (project, hour_ms)
)
 WITHOUT ROWID

;
CREATE TABLE incident (
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	period TEXT NOT NULL, 
	episode INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	period_end_ms INTEGER NOT NULL, 
	changed_ms INTEGER NOT NULL, 
	facts TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT incident_fingerprint UNIQUE (rule, "key", period, episode)
);
INSERT INTO "incident" VALUES('QPZRWQ7FHH7BCB4P','budget','daily','[]','day:2026-11-16',1,'rolled_over',1794873600000,1794900600000,'{"id":"QPZRWQ7FHH7BCB4P","kind":"budget","rule":"daily","key":[],"labels":[],"period":"day:2026-11-16","period_start_ms":1794787200000,"period_end_ms":1794873600000,"timezone":"UTC","episode":1,"state":"rolled_over","severity":1,"level":"1/2","limit":20000000000000,"unit":"usd","measured":17250000000000,"opened_ms":1794830400000,"changed_ms":1794900600000,"crossings":[{"share":"1/2","severity":1,"limit":20000000000000,"at_ms":1794818100000,"learned_ms":1794830400000}],"told":[],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('6N24K3VZ5KY0CEAG','budget','teams','["content"]','day:2026-11-16',1,'rolled_over',1794873600000,1794900600000,'{"id":"6N24K3VZ5KY0CEAG","kind":"budget","rule":"teams","key":["content"],"labels":[["team","content"]],"period":"day:2026-11-16","period_start_ms":1794787200000,"period_end_ms":1794873600000,"timezone":"UTC","episode":1,"state":"rolled_over","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5250000000000,"opened_ms":1794830400000,"changed_ms":1794900600000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794819900000,"learned_ms":1794830400000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('SJ1QDB0BYXSW6VH3','budget','teams','["search"]','day:2026-11-16',1,'rolled_over',1794873600000,1794900600000,'{"id":"SJ1QDB0BYXSW6VH3","kind":"budget","rule":"teams","key":["search"],"labels":[["team","search"]],"period":"day:2026-11-16","period_start_ms":1794787200000,"period_end_ms":1794873600000,"timezone":"UTC","episode":1,"state":"rolled_over","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5750000000000,"opened_ms":1794830400000,"changed_ms":1794900600000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794820800000,"learned_ms":1794830400000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('DSM2YCJDCPCB8X9J','budget','teams','["support"]','day:2026-11-16',1,'rolled_over',1794873600000,1794900600000,'{"id":"DSM2YCJDCPCB8X9J","kind":"budget","rule":"teams","key":["support"],"labels":[["team","support"]],"period":"day:2026-11-16","period_start_ms":1794787200000,"period_end_ms":1794873600000,"timezone":"UTC","episode":1,"state":"rolled_over","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":6250000000000,"opened_ms":1794830400000,"changed_ms":1794900600000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794821700000,"learned_ms":1794830400000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('GQ82GCF3HY2DMKT0','budget','daily','[]','day:2026-11-17',1,'rolled_over',1794960000000,1794983400000,'{"id":"GQ82GCF3HY2DMKT0","kind":"budget","rule":"daily","key":[],"labels":[],"period":"day:2026-11-17","period_start_ms":1794873600000,"period_end_ms":1794960000000,"timezone":"UTC","episode":1,"state":"rolled_over","severity":3,"level":"1/1","limit":20000000000000,"unit":"usd","measured":21750000000000,"opened_ms":1794916800000,"changed_ms":1794983400000,"crossings":[{"share":"1/2","severity":1,"limit":20000000000000,"at_ms":1794904500000,"learned_ms":1794916800000},{"share":"1/1","severity":3,"limit":20000000000000,"at_ms":1794908100000,"learned_ms":1794916800000}],"told":["finops"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('AMVBAHYPFSXX94FM','budget','monthly','[]','month:2026-11',1,'open',1796083200000,1794992400000,'{"id":"AMVBAHYPFSXX94FM","kind":"budget","rule":"monthly","key":[],"labels":[],"period":"month:2026-11","period_start_ms":1793491200000,"period_end_ms":1796083200000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":50000000000000,"unit":"usd","measured":62500000000000,"opened_ms":1794916800000,"changed_ms":1794992400000,"crossings":[{"share":"1/2","severity":1,"limit":50000000000000,"at_ms":1794902700000,"learned_ms":1794916800000},{"share":"1/1","severity":3,"limit":50000000000000,"at_ms":1794986400000,"learned_ms":1794992400000}],"told":["finops"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('XH476A3BZWJKBFJN','budget','teams','["content"]','day:2026-11-17',1,'rolled_over',1794960000000,1794983400000,'{"id":"XH476A3BZWJKBFJN","kind":"budget","rule":"teams","key":["content"],"labels":[["team","content"]],"period":"day:2026-11-17","period_start_ms":1794873600000,"period_end_ms":1794960000000,"timezone":"UTC","episode":1,"state":"rolled_over","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5250000000000,"opened_ms":1794916800000,"changed_ms":1794983400000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794906300000,"learned_ms":1794916800000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('KNHK0Z3Y2G2F5141','budget','teams','["search"]','day:2026-11-17',1,'rolled_over',1794960000000,1794983400000,'{"id":"KNHK0Z3Y2G2F5141","kind":"budget","rule":"teams","key":["search"],"labels":[["team","search"]],"period":"day:2026-11-17","period_start_ms":1794873600000,"period_end_ms":1794960000000,"timezone":"UTC","episode":1,"state":"rolled_over","severity":3,"level":"1/1","limit":10000000000000,"unit":"usd","measured":10250000000000,"opened_ms":1794916800000,"changed_ms":1794983400000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794906000000,"learned_ms":1794916800000},{"share":"4/5","severity":2,"limit":10000000000000,"at_ms":1794906000000,"learned_ms":1794916800000},{"share":"1/1","severity":3,"limit":10000000000000,"at_ms":1794907200000,"learned_ms":1794916800000}],"told":["finops","diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('R5J3QMFQVYWK4DVM','budget','teams','["support"]','day:2026-11-17',1,'rolled_over',1794960000000,1794983400000,'{"id":"R5J3QMFQVYWK4DVM","kind":"budget","rule":"teams","key":["support"],"labels":[["team","support"]],"period":"day:2026-11-17","period_start_ms":1794873600000,"period_end_ms":1794960000000,"timezone":"UTC","episode":1,"state":"rolled_over","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":6250000000000,"opened_ms":1794916800000,"changed_ms":1794983400000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794908100000,"learned_ms":1794916800000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('YDBE9QGSB7W06C5C','budget','daily','[]','day:2026-11-18',1,'open',1795046400000,1794997200000,'{"id":"YDBE9QGSB7W06C5C","kind":"budget","rule":"daily","key":[],"labels":[],"period":"day:2026-11-18","period_start_ms":1794960000000,"period_end_ms":1795046400000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":20000000000000,"unit":"usd","measured":23500000000000,"opened_ms":1794992400000,"changed_ms":1794997200000,"crossings":[{"share":"1/2","severity":1,"limit":20000000000000,"at_ms":1794985500000,"learned_ms":1794992400000},{"share":"1/1","severity":3,"limit":20000000000000,"at_ms":1794993600000,"learned_ms":1794997200000}],"told":["finops"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('N063F9DH23SCCZY2','budget','teams','["support"]','day:2026-11-18',1,'open',1795046400000,1794992400000,'{"id":"N063F9DH23SCCZY2","kind":"budget","rule":"teams","key":["support"],"labels":[["team","support"]],"period":"day:2026-11-18","period_start_ms":1794960000000,"period_end_ms":1795046400000,"timezone":"UTC","episode":1,"state":"open","severity":3,"level":"1/1","limit":10000000000000,"unit":"usd","measured":12500000000000,"opened_ms":1794992400000,"changed_ms":1794992400000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794985200000,"learned_ms":1794992400000},{"share":"4/5","severity":2,"limit":10000000000000,"at_ms":1794987300000,"learned_ms":1794992400000},{"share":"1/1","severity":3,"limit":10000000000000,"at_ms":1794990900000,"learned_ms":1794992400000}],"told":["finops","diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('YKGH85XKYF104N5F','budget','teams','["content"]','day:2026-11-18',1,'open',1795046400000,1794997200000,'{"id":"YKGH85XKYF104N5F","kind":"budget","rule":"teams","key":["content"],"labels":[["team","content"]],"period":"day:2026-11-18","period_start_ms":1794960000000,"period_end_ms":1795046400000,"timezone":"UTC","episode":1,"state":"open","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5250000000000,"opened_ms":1794997200000,"changed_ms":1794997200000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794992700000,"learned_ms":1794997200000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
INSERT INTO "incident" VALUES('NSPCKHMN5JKG65VA','budget','teams','["search"]','day:2026-11-18',1,'open',1795046400000,1794997200000,'{"id":"NSPCKHMN5JKG65VA","kind":"budget","rule":"teams","key":["search"],"labels":[["team","search"]],"period":"day:2026-11-18","period_start_ms":1794960000000,"period_end_ms":1795046400000,"timezone":"UTC","episode":1,"state":"open","severity":1,"level":"1/2","limit":10000000000000,"unit":"usd","measured":5750000000000,"opened_ms":1794997200000,"changed_ms":1794997200000,"crossings":[{"share":"1/2","severity":1,"limit":10000000000000,"at_ms":1794993600000,"learned_ms":1794997200000}],"told":["diary"],"timing":"live","baseline":null,"baseline_days":0,"detail":"","parts":[],"calm_since_ms":null}');
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('version','60');
CREATE TABLE metric_key (
	kind TEXT NOT NULL, 
	project INTEGER NOT NULL, 
	labels TEXT NOT NULL, 
	series INTEGER NOT NULL, 
	PRIMARY KEY (kind, project, labels)
)
 WITHOUT ROWID

;
INSERT INTO "metric_key" VALUES('duration',1,'["gpt-4o","call"]',1);
INSERT INTO "metric_key" VALUES('spend',1,'["f0","content","gpt-4o","call"]',2);
INSERT INTO "metric_key" VALUES('spend',1,'["f0","search","gpt-4o","call"]',10);
INSERT INTO "metric_key" VALUES('spend',1,'["f0","support","gpt-4o","call"]',6);
INSERT INTO "metric_key" VALUES('spend',1,'["f1","content","gpt-4o","call"]',5);
INSERT INTO "metric_key" VALUES('spend',1,'["f1","search","gpt-4o","call"]',1);
INSERT INTO "metric_key" VALUES('spend',1,'["f1","support","gpt-4o","call"]',9);
INSERT INTO "metric_key" VALUES('spend',1,'["f2","content","gpt-4o","call"]',8);
INSERT INTO "metric_key" VALUES('spend',1,'["f2","search","gpt-4o","call"]',4);
INSERT INTO "metric_key" VALUES('spend',1,'["f2","support","gpt-4o","call"]',12);
INSERT INTO "metric_key" VALUES('spend',1,'["f3","content","gpt-4o","call"]',11);
INSERT INTO "metric_key" VALUES('spend',1,'["f3","search","gpt-4o","call"]',7);
INSERT INTO "metric_key" VALUES('spend',1,'["f3","support","gpt-4o","call"]',3);
CREATE TABLE project (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	name TEXT NOT NULL, 
	host TEXT NOT NULL, 
	project_id TEXT NOT NULL, 
	organisation_id TEXT NOT NULL, 
	api TEXT NOT NULL, 
	registered_ms INTEGER NOT NULL, 
	floor_ms INTEGER, 
	loaded_ms INTEGER, 
	counters_from_ms INTEGER, 
	last_success_ms INTEGER, 
	data_as_of_ms INTEGER, 
	failing_since_ms INTEGER, 
	failure TEXT DEFAULT '' NOT NULL, 
	failure_text TEXT DEFAULT '' NOT NULL, 
	retry_at_ms INTEGER, 
	reconciled_ms INTEGER, 
	drift_hi INTEGER DEFAULT 0 NOT NULL, 
	drift_lo INTEGER DEFAULT 0 NOT NULL, 
	generations INTEGER DEFAULT 0 NOT NULL, 
	cost_hi INTEGER DEFAULT 0 NOT NULL, 
	cost_lo INTEGER DEFAULT 0 NOT NULL, 
	unpriced INTEGER DEFAULT 0 NOT NULL, 
	lateness TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
INSERT INTO "project" VALUES(1,'http://langfuse.test|proj-demo','langfuse','http://langfuse.test','proj-demo','org-demo','v2',1794983400000,NULL,1794810600000,1793491200000,1795003200000,1795003200000,NULL,'','',NULL,NULL,0,0,40,62500000,0,2,'');
CREATE TABLE project_counter (
	id INTEGER NOT NULL, 
	series_dropped INTEGER DEFAULT 0 NOT NULL, 
	cost_hi INTEGER DEFAULT 0 NOT NULL, 
	cost_lo INTEGER DEFAULT 0 NOT NULL, 
	unpriced INTEGER DEFAULT 0 NOT NULL, 
	shown_cost_hi INTEGER DEFAULT 0 NOT NULL, 
	shown_cost_lo INTEGER DEFAULT 0 NOT NULL, 
	shown_unpriced INTEGER DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "project_counter" VALUES(1,0,0,0,2,0,0,2);
CREATE TABLE rate_limit (
	organisation TEXT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (organisation)
)
 WITHOUT ROWID

;
CREATE TABLE rule_state (
	rule TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	revision TEXT NOT NULL, 
	ready_ms INTEGER, 
	PRIMARY KEY (rule)
);
INSERT INTO "rule_state" VALUES('daily','budget:day','d35c662cfa697dd7cd/fb03647c68c9ee3f05',1794810600000);
INSERT INTO "rule_state" VALUES('monthly','budget:month','d35c662cfa697dd7cd/4e54f3ea127adaacfb',1794810600000);
INSERT INTO "rule_state" VALUES('teams','budget:day','caff0d8cdc025a1bd0/408fcdcbb18f0d7c6a',1794810600000);
CREATE TABLE rules_text (
	id INTEGER NOT NULL, 
	files TEXT NOT NULL, 
	loaded_ms INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "rules_text" VALUES(1,'[["/tmp/tmp9_qposbp/stage/budgets.yaml","\nversion: 1\ndestinations:\n  finops: {type: console}\n  content: {type: console}\n  pager: {type: console, from: critical}\n  diary: {type: console, from: info}\nnotify: [finops]\n\nhistory: 5d\nbudgets:\n  - {name: daily, limit: $20, every: day, thresholds: [50%, 100%]}\n  - {name: monthly, limit: $50, every: month, thresholds: [50%, 100%]}\n  - {name: teams, each: [team], limit: $10, every: day, notify: [finops, diary]}\n"]]',1794916800000);
CREATE TABLE seen (
	h64 INTEGER NOT NULL, 
	start_ms INTEGER NOT NULL, 
	PRIMARY KEY (h64)
);
INSERT INTO "seen" VALUES(-8514320613942883538,1794906000000);
INSERT INTO "seen" VALUES(-8161988611188994249,1794990900000);
INSERT INTO "seen" VALUES(-6785317027790408784,1794986400000);
INSERT INTO "seen" VALUES(-6433266706171725911,1794981900000);
INSERT INTO "seen" VALUES(-6312927142546833509,1794900000000);
INSERT INTO "seen" VALUES(-5832656095662883966,1794904500000);
INSERT INTO "seen" VALUES(-5568368564252431386,1794813600000);
INSERT INTO "seen" VALUES(-5344389219569242113,1794809100000);
INSERT INTO "seen" VALUES(-4967643699023550515,1794818100000);
INSERT INTO "seen" VALUES(-4872148807777541164,1794895500000);
INSERT INTO "seen" VALUES(-4197883866476766352,1794812700000);
INSERT INTO "seen" VALUES(-3790457556299377854,1794821700000);
INSERT INTO "seen" VALUES(-3744651871831632037,1794817200000);
INSERT INTO "seen" VALUES(-3332872002413377729,1794908100000);
INSERT INTO "seen" VALUES(-2967161271027006682,1794985500000);
INSERT INTO "seen" VALUES(-2879754296848020716,1794903600000);
INSERT INTO "seen" VALUES(-2349530315013894387,1794899100000);
INSERT INTO "seen" VALUES(-619682286751221869,1794985200000);
INSERT INTO "seen" VALUES(-450929456638525535,1794990000000);
INSERT INTO "seen" VALUES(-85500131509453896,1794994500000);
INSERT INTO "seen" VALUES(1215513650927721108,1794907800000);
INSERT INTO "seen" VALUES(1707879248401964685,1794992700000);
INSERT INTO "seen" VALUES(2451704060793271927,1794819900000);
INSERT INTO "seen" VALUES(2696521220993249902,1794896400000);
INSERT INTO "seen" VALUES(3148156814948923996,1794814500000);
INSERT INTO "seen" VALUES(3232946714963656261,1794810000000);
INSERT INTO "seen" VALUES(3560847075700354593,1794900900000);
INSERT INTO "seen" VALUES(3893203091074738744,1794906300000);
INSERT INTO "seen" VALUES(4097404468116447754,1794987300000);
INSERT INTO "seen" VALUES(4589488796772345363,1794982800000);
INSERT INTO "seen" VALUES(4683848082829433518,1794907200000);
INSERT INTO "seen" VALUES(5074882894873009847,1794902700000);
INSERT INTO "seen" VALUES(5239396283026183813,1794983700000);
INSERT INTO "seen" VALUES(5754429558244430492,1794989100000);
INSERT INTO "seen" VALUES(5939341180601746168,1794897300000);
INSERT INTO "seen" VALUES(6125180597228799713,1794820800000);
INSERT INTO "seen" VALUES(6618755979887218387,1794810900000);
INSERT INTO "seen" VALUES(6680895880243333834,1794816300000);
INSERT INTO "seen" VALUES(6968383324964630043,1794993600000);
INSERT INTO "seen" VALUES(7483135056486623746,1794994200000);
CREATE TABLE seen_more (
	h64 INTEGER NOT NULL, 
	start_ms INTEGER NOT NULL, 
	PRIMARY KEY (h64, start_ms)
)
 WITHOUT ROWID

;
CREATE TABLE series (
	"key" INTEGER NOT NULL, 
	grain INTEGER NOT NULL, 
	bucket INTEGER NOT NULL, 
	cost_hi INTEGER NOT NULL, 
	cost_lo INTEGER NOT NULL, 
	tokens INTEGER NOT NULL, 
	requests INTEGER NOT NULL, 
	PRIMARY KEY ("key", grain, bucket)
)
 WITHOUT ROWID

;
INSERT INTO "series" VALUES(1,0,1994232,750000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994233,875000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994234,1000000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994236,1125000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994237,1250000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994238,1375000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994240,1500000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994241,1625000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994242,1750000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994244,1875000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994245,2000000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994246,2125000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994328,750000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994329,875000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994330,1000000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994332,1125000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994333,1250000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994334,1375000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994336,1500000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994337,1625000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994338,1750000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994340,6375000,0,2000,2);
INSERT INTO "series" VALUES(1,0,1994341,2000000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994342,2125000,0,2000,2);
INSERT INTO "series" VALUES(1,0,1994424,750000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994425,875000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994426,1000000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994428,7375000,0,2000,2);
INSERT INTO "series" VALUES(1,0,1994429,1250000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994430,1375000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994432,1500000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994433,1625000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994434,1750000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994436,1875000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994437,2000000,0,1000,1);
INSERT INTO "series" VALUES(1,0,1994438,2125000,0,2000,2);
INSERT INTO "series" VALUES(1,1,739936,17250000,0,12000,12);
INSERT INTO "series" VALUES(1,1,739937,21750000,0,14000,14);
INSERT INTO "series" VALUES(1,1,739938,23500000,0,14000,14);
INSERT INTO "series" VALUES(2,0,1994232,750000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994236,1125000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994240,1500000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994244,1875000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994328,750000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994332,1125000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994336,1500000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994340,1875000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994342,0,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994424,750000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994428,1125000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994432,1500000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994436,1875000,0,1000,1);
INSERT INTO "series" VALUES(2,0,1994438,0,0,1000,1);
INSERT INTO "series" VALUES(2,1,739936,5250000,0,4000,4);
INSERT INTO "series" VALUES(2,1,739937,5250000,0,5000,5);
INSERT INTO "series" VALUES(2,1,739938,5250000,0,5000,5);
INSERT INTO "series" VALUES(3,0,1994233,875000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994237,1250000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994241,1625000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994245,2000000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994329,875000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994333,1250000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994337,1625000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994340,4500000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994341,2000000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994425,875000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994429,1250000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994433,1625000,0,1000,1);
INSERT INTO "series" VALUES(3,0,1994437,2000000,0,1000,1);
INSERT INTO "series" VALUES(3,1,739936,5750000,0,4000,4);
INSERT INTO "series" VALUES(3,1,739937,10250000,0,5000,5);
INSERT INTO "series" VALUES(3,1,739938,5750000,0,4000,4);
INSERT INTO "series" VALUES(4,0,1994232,750000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994233,875000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994234,1000000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994236,1125000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994237,1250000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994238,1375000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994240,1500000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994241,1625000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994242,1750000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994244,1875000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994245,2000000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994246,2125000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994328,750000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994329,875000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994330,1000000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994332,1125000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994333,1250000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994334,1375000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994336,1500000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994337,1625000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994338,1750000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994340,6375000,0,2000,2);
INSERT INTO "series" VALUES(4,0,1994341,2000000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994342,2125000,0,2000,2);
INSERT INTO "series" VALUES(4,0,1994424,750000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994425,875000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994426,1000000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994428,7375000,0,2000,2);
INSERT INTO "series" VALUES(4,0,1994429,1250000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994430,1375000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994432,1500000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994433,1625000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994434,1750000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994436,1875000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994437,2000000,0,1000,1);
INSERT INTO "series" VALUES(4,0,1994438,2125000,0,2000,2);
INSERT INTO "series" VALUES(4,1,739936,17250000,0,12000,12);
INSERT INTO "series" VALUES(4,1,739937,21750000,0,14000,14);
INSERT INTO "series" VALUES(4,1,739938,23500000,0,14000,14);
INSERT INTO "series" VALUES(5,0,1994232,750000,0,1000,1);
INSERT INTO "series" VALUES(5,0,1994328,750000,0,1000,1);
INSERT INTO "series" VALUES(5,0,1994424,750000,0,1000,1);
INSERT INTO "series" VALUES(5,1,739936,750000,0,1000,1);
INSERT INTO "series" VALUES(5,1,739937,750000,0,1000,1);
INSERT INTO "series" VALUES(5,1,739938,750000,0,1000,1);
INSERT INTO "series" VALUES(6,0,1994233,875000,0,1000,1);
INSERT INTO "series" VALUES(6,0,1994329,875000,0,1000,1);
INSERT INTO "series" VALUES(6,0,1994340,4500000,0,1000,1);
INSERT INTO "series" VALUES(6,0,1994425,875000,0,1000,1);
INSERT INTO "series" VALUES(6,1,739936,875000,0,1000,1);
INSERT INTO "series" VALUES(6,1,739937,5375000,0,2000,2);
INSERT INTO "series" VALUES(6,1,739938,875000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994232,750000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994233,875000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994234,1000000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994236,1125000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994237,1250000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994238,1375000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994240,1500000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994241,1625000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994242,1750000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994244,1875000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994245,2000000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994246,2125000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994328,750000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994329,875000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994330,1000000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994332,1125000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994333,1250000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994334,1375000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994336,1500000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994337,1625000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994338,1750000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994340,6375000,0,2000,2);
INSERT INTO "series" VALUES(7,0,1994341,2000000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994342,2125000,0,2000,2);
INSERT INTO "series" VALUES(7,0,1994424,750000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994425,875000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994426,1000000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994428,7375000,0,2000,2);
INSERT INTO "series" VALUES(7,0,1994429,1250000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994430,1375000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994432,1500000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994433,1625000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994434,1750000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994436,1875000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994437,2000000,0,1000,1);
INSERT INTO "series" VALUES(7,0,1994438,2125000,0,2000,2);
INSERT INTO "series" VALUES(7,1,739936,17250000,0,12000,12);
INSERT INTO "series" VALUES(7,1,739937,21750000,0,14000,14);
INSERT INTO "series" VALUES(7,1,739938,23500000,0,14000,14);
INSERT INTO "series" VALUES(8,0,1994234,1000000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994238,1375000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994242,1750000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994246,2125000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994330,1000000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994334,1375000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994338,1750000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994342,2125000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994426,1000000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994428,6250000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994430,1375000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994434,1750000,0,1000,1);
INSERT INTO "series" VALUES(8,0,1994438,2125000,0,1000,1);
INSERT INTO "series" VALUES(8,1,739936,6250000,0,4000,4);
INSERT INTO "series" VALUES(8,1,739937,6250000,0,4000,4);
INSERT INTO "series" VALUES(8,1,739938,12500000,0,5000,5);
INSERT INTO "series" VALUES(9,0,1994246,2125000,0,1000,1);
INSERT INTO "series" VALUES(9,0,1994342,2125000,0,1000,1);
INSERT INTO "series" VALUES(9,0,1994428,6250000,0,1000,1);
INSERT INTO "series" VALUES(9,0,1994438,2125000,0,1000,1);
INSERT INTO "series" VALUES(9,1,739936,2125000,0,1000,1);
INSERT INTO "series" VALUES(9,1,739937,2125000,0,1000,1);
INSERT INTO "series" VALUES(9,1,739938,8375000,0,2000,2);
INSERT INTO "series" VALUES(10,0,1994245,2000000,0,1000,1);
INSERT INTO "series" VALUES(10,0,1994341,2000000,0,1000,1);
INSERT INTO "series" VALUES(10,0,1994437,2000000,0,1000,1);
INSERT INTO "series" VALUES(10,1,739936,2000000,0,1000,1);
INSERT INTO "series" VALUES(10,1,739937,2000000,0,1000,1);
INSERT INTO "series" VALUES(10,1,739938,2000000,0,1000,1);
INSERT INTO "series" VALUES(11,0,1994244,1875000,0,1000,1);
INSERT INTO "series" VALUES(11,0,1994340,1875000,0,1000,1);
INSERT INTO "series" VALUES(11,0,1994436,1875000,0,1000,1);
INSERT INTO "series" VALUES(11,1,739936,1875000,0,1000,1);
INSERT INTO "series" VALUES(11,1,739937,1875000,0,1000,1);
INSERT INTO "series" VALUES(11,1,739938,1875000,0,1000,1);
INSERT INTO "series" VALUES(12,0,1994242,1750000,0,1000,1);
INSERT INTO "series" VALUES(12,0,1994338,1750000,0,1000,1);
INSERT INTO "series" VALUES(12,0,1994434,1750000,0,1000,1);
INSERT INTO "series" VALUES(12,1,739936,1750000,0,1000,1);
INSERT INTO "series" VALUES(12,1,739937,1750000,0,1000,1);
INSERT INTO "series" VALUES(12,1,739938,1750000,0,1000,1);
INSERT INTO "series" VALUES(13,0,1994241,1625000,0,1000,1);
INSERT INTO "series" VALUES(13,0,1994337,1625000,0,1000,1);
INSERT INTO "series" VALUES(13,0,1994433,1625000,0,1000,1);
INSERT INTO "series" VALUES(13,1,739936,1625000,0,1000,1);
INSERT INTO "series" VALUES(13,1,739937,1625000,0,1000,1);
INSERT INTO "series" VALUES(13,1,739938,1625000,0,1000,1);
INSERT INTO "series" VALUES(14,0,1994240,1500000,0,1000,1);
INSERT INTO "series" VALUES(14,0,1994336,1500000,0,1000,1);
INSERT INTO "series" VALUES(14,0,1994342,0,0,1000,1);
INSERT INTO "series" VALUES(14,0,1994432,1500000,0,1000,1);
INSERT INTO "series" VALUES(14,0,1994438,0,0,1000,1);
INSERT INTO "series" VALUES(14,1,739936,1500000,0,1000,1);
INSERT INTO "series" VALUES(14,1,739937,1500000,0,2000,2);
INSERT INTO "series" VALUES(14,1,739938,1500000,0,2000,2);
INSERT INTO "series" VALUES(15,0,1994238,1375000,0,1000,1);
INSERT INTO "series" VALUES(15,0,1994334,1375000,0,1000,1);
INSERT INTO "series" VALUES(15,0,1994430,1375000,0,1000,1);
INSERT INTO "series" VALUES(15,1,739936,1375000,0,1000,1);
INSERT INTO "series" VALUES(15,1,739937,1375000,0,1000,1);
INSERT INTO "series" VALUES(15,1,739938,1375000,0,1000,1);
INSERT INTO "series" VALUES(16,0,1994237,1250000,0,1000,1);
INSERT INTO "series" VALUES(16,0,1994333,1250000,0,1000,1);
INSERT INTO "series" VALUES(16,0,1994429,1250000,0,1000,1);
INSERT INTO "series" VALUES(16,1,739936,1250000,0,1000,1);
INSERT INTO "series" VALUES(16,1,739937,1250000,0,1000,1);
INSERT INTO "series" VALUES(16,1,739938,1250000,0,1000,1);
INSERT INTO "series" VALUES(17,0,1994236,1125000,0,1000,1);
INSERT INTO "series" VALUES(17,0,1994332,1125000,0,1000,1);
INSERT INTO "series" VALUES(17,0,1994428,1125000,0,1000,1);
INSERT INTO "series" VALUES(17,1,739936,1125000,0,1000,1);
INSERT INTO "series" VALUES(17,1,739937,1125000,0,1000,1);
INSERT INTO "series" VALUES(17,1,739938,1125000,0,1000,1);
INSERT INTO "series" VALUES(18,0,1994234,1000000,0,1000,1);
INSERT INTO "series" VALUES(18,0,1994330,1000000,0,1000,1);
INSERT INTO "series" VALUES(18,0,1994426,1000000,0,1000,1);
INSERT INTO "series" VALUES(18,1,739936,1000000,0,1000,1);
INSERT INTO "series" VALUES(18,1,739937,1000000,0,1000,1);
INSERT INTO "series" VALUES(18,1,739938,1000000,0,1000,1);
CREATE TABLE series_key (
	id INTEGER NOT NULL, 
	"view" TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	first_cell INTEGER NOT NULL, 
	last_cell INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT series_key_view_key UNIQUE ("view", "key")
);
INSERT INTO "series_key" VALUES(1,'d35c662cfa697dd7cd','[]',1994232,1994438);
INSERT INTO "series_key" VALUES(2,'caff0d8cdc025a1bd0','["content"]',1994232,1994438);
INSERT INTO "series_key" VALUES(3,'caff0d8cdc025a1bd0','["search"]',1994233,1994437);
INSERT INTO "series_key" VALUES(4,'8db43ca3d3710bd7a6','["http://langfuse.test|proj-demo"]',1994232,1994438);
INSERT INTO "series_key" VALUES(5,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f0","content","gpt-4o","call"]',1994232,1994424);
INSERT INTO "series_key" VALUES(6,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f1","search","gpt-4o","call"]',1994233,1994425);
INSERT INTO "series_key" VALUES(7,'fa1a620d5104f9f7eb','["http://langfuse.test|proj-demo"]',1994232,1994438);
INSERT INTO "series_key" VALUES(8,'caff0d8cdc025a1bd0','["support"]',1994234,1994438);
INSERT INTO "series_key" VALUES(9,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f3","support","gpt-4o","call"]',1994246,1994438);
INSERT INTO "series_key" VALUES(10,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f2","search","gpt-4o","call"]',1994245,1994437);
INSERT INTO "series_key" VALUES(11,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f1","content","gpt-4o","call"]',1994244,1994436);
INSERT INTO "series_key" VALUES(12,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f0","support","gpt-4o","call"]',1994242,1994434);
INSERT INTO "series_key" VALUES(13,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f3","search","gpt-4o","call"]',1994241,1994433);
INSERT INTO "series_key" VALUES(14,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f2","content","gpt-4o","call"]',1994240,1994438);
INSERT INTO "series_key" VALUES(15,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f1","support","gpt-4o","call"]',1994238,1994430);
INSERT INTO "series_key" VALUES(16,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f0","search","gpt-4o","call"]',1994237,1994429);
INSERT INTO "series_key" VALUES(17,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f3","content","gpt-4o","call"]',1994236,1994428);
INSERT INTO "series_key" VALUES(18,'214e447e9b7bedf457','["http://langfuse.test|proj-demo","f2","support","gpt-4o","call"]',1994234,1994426);
CREATE TABLE text (
	id INTEGER NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (value)
);
INSERT INTO "text" VALUES(1,'u1');
INSERT INTO "text" VALUES(2,'unknown');
INSERT INTO "text" VALUES(3,'u0');
INSERT INTO "text" VALUES(4,'u3');
INSERT INTO "text" VALUES(5,'u2');
INSERT INTO "text" VALUES(6,'u4');
CREATE TABLE "view" (
	id TEXT NOT NULL, 
	built INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "view" VALUES('d35c662cfa697dd7cd',1);
INSERT INTO "view" VALUES('caff0d8cdc025a1bd0',1);
INSERT INTO "view" VALUES('8db43ca3d3710bd7a6',1);
INSERT INTO "view" VALUES('214e447e9b7bedf457',1);
INSERT INTO "view" VALUES('fa1a620d5104f9f7eb',1);
INSERT INTO "view" VALUES('87362e7cfb9f59e498',1);
CREATE INDEX series_key_last ON series_key ("view", last_cell);
CREATE INDEX incident_changed ON incident (changed_ms);
CREATE INDEX incident_state ON incident (state, rule);
CREATE INDEX due_at ON due (at_ms);
CREATE INDEX delivery_queue ON delivery (destination, state, seq);
CREATE INDEX generation_unpriced ON generation (project, start_ms, dims) WHERE counted = 1 AND pricing <> 0;
COMMIT;
