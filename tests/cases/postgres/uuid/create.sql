CREATE TABLE t (id int PRIMARY KEY, u uuid, s text, kept uuid UNIQUE);
-- repeat 200
INSERT INTO t VALUES ({n}, md5('{n}')::uuid, {'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'|'{a0eebc999c0b4ef8bb6d6bb9bd380a11}'|NULL}, md5('k{n}')::uuid);
