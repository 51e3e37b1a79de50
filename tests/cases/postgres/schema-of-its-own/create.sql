CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('ok', 'sad');
CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE TABLE app.t (id serial PRIMARY KEY, v int, m app.mood DEFAULT 'sad');
-- repeat 150
INSERT INTO app.t (v) VALUES ({n});
