REPLACE INTO mysql.time_zone (Time_zone_id, Use_leap_seconds) VALUES (900, 'N');
REPLACE INTO mysql.time_zone_name (Name, Time_zone_id) VALUES ('Test/Summer', 900);
REPLACE INTO mysql.time_zone_transition_type (Time_zone_id, Transition_type_id, `Offset`, Is_DST, Abbreviation) VALUES (900, 0, 3600, 0, 'CET'), (900, 1, 7200, 1, 'CEST');
REPLACE INTO mysql.time_zone_transition (Time_zone_id, Transition_time, Transition_type_id) VALUES (900, -2000000000, 0), (900, 1711846800, 1), (900, 1729990800, 0), (900, 1743296400, 1), (900, 1761440400, 0);
SET time_zone = '+00:00';
CREATE TABLE t (id INT PRIMARY KEY, ts TIMESTAMP(3) NULL, dt DATETIME(3));
-- repeat 150
INSERT INTO t VALUES ({n}, '2024-10-26 22:00:00.125' + INTERVAL {n} * 2 MINUTE, '2024-10-27 01:00:00' + INTERVAL {n} * 2 MINUTE);
