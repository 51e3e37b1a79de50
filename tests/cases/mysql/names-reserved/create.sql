CREATE TABLE `select ``from`` größe 表.%s` (`primary key` INT, `order` INT, `weiß '"` INT, `%d` INT, `select` VARCHAR(9), PRIMARY KEY (`primary key`, `select`));
-- repeat 150
INSERT INTO `select ``from`` größe 表.%s` VALUES ({n}, {n}, {n}, {n}, 'a`''%s');
