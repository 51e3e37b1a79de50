-- Two million customers, and an event that goes on changing them.
CREATE DATABASE shop;
USE shop;
CREATE TABLE customers (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    spent INT NOT NULL DEFAULT 0,
    changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);
SET SESSION cte_max_recursion_depth = 2000000;
INSERT INTO customers (name)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000000)
SELECT CONCAT('Customer ', n) FROM numbers;
DELIMITER //
CREATE EVENT spend ON SCHEDULE EVERY 1 SECOND DO
BEGIN
    DECLARE chosen INT DEFAULT FLOOR(RAND() * 2000000);
    UPDATE customers SET spent = spent + 1 WHERE id BETWEEN chosen AND chosen + 200;
END//
DELIMITER ;
